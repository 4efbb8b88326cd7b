//! The picture of an organization that shows none: its initials on a colour.

/// Colours with enough contrast to white letters.
const COLOURS: [&str; 8] =
    ["#4674ca", "#315cac", "#57635c", "#9a5196", "#d6567f", "#b85f06", "#3d7a4f", "#6b5fc7"];

/// The initials of `name` as an SVG image; the same `id` always has the same colour.
pub(in crate::http) fn letters(id: u64, name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let ends = match words.as_slice() {
        [] => vec![],
        [only] => vec![*only],
        [first, .., last] => vec![*first, *last],
    };
    let initials: String = ends.iter().filter_map(|word| word.chars().next()).collect();
    let initials = if initials.is_empty() { "?".to_owned() } else { initials.to_uppercase() };
    let colours = u64::try_from(COLOURS.len()).unwrap_or(1);
    let colour =
        usize::try_from(id % colours).ok().and_then(|place| COLOURS.get(place)).unwrap_or(&COLOURS[0]);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 120 120\"><rect width=\"120\" height=\"120\" rx=\"15\" \
         fill=\"{colour}\"/><text x=\"50%\" y=\"50%\" font-size=\"65\" font-family=\"sans-serif\" \
         dominant-baseline=\"central\" text-anchor=\"middle\" fill=\"#ffffff\">{}</text></svg>",
        escaped(&initials)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            letter if letter.is_control() => {}
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_word() {
        for (name, initials) in [
            ("acme", ">A<"),
            ("The Very Big Acme", ">TA<"),
            ("  ", ">?<"),
            ("<script> &co", ">&lt;&amp;<"),
            ("\u{e9}cole nationale", ">\u{c9}N<"),
        ] {
            assert!(letters(7, name).contains(initials), "{}", letters(7, name));
        }
    }

    #[test]
    fn an_organization_keeps_its_colour() {
        assert_eq!(letters(7, "Acme"), letters(7, "Acme"));
        assert_ne!(letters(7, "Acme"), letters(8, "Acme"));
    }
}
