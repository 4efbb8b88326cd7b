//! The query language of lists (behaviour.md 4.1): words, and `key:value` pairs.

/// What a query says, in the order in which it says it. A word without a key has none.
pub(super) fn tokens(query: &str) -> Vec<(Option<String>, String)> {
    let mut found = vec![];
    let mut words = words(query).into_iter().peekable();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "OR" | "AND") || word.chars().all(|letter| "()".contains(letter)) {
            continue;
        }
        let word = match words.peek() {
            Some(next) if word.ends_with(':') && is_key(&word) => {
                let both = format!("{word}{next}");
                words.next();
                both
            }
            _ => word,
        };
        let word = word.trim_start_matches('(');
        match word.split_once(':') {
            Some((key, value)) if is_key(word) => found.push((Some(key.to_owned()), bare(value))),
            _ => found.push((None, bare(word))),
        }
    }
    found
}

/// Whether what stands before the first colon is a key.
fn is_key(word: &str) -> bool {
    !word.starts_with(['"', ':'])
        && word.split_once(':').is_some_and(|(key, value)| !key.is_empty() && !value.starts_with(':'))
}

/// Without the quotes around it, and without parentheses that close a group.
fn bare(text: &str) -> String {
    let opened = text.matches('(').count();
    let mut text = text;
    while text.ends_with(')') && text.matches(')').count() > opened {
        text = &text[..text.len() - 1];
    }
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// Splits at blanks that are in no quotes.
fn words(query: &str) -> Vec<String> {
    let (mut found, mut word, mut is_quoted) = (vec![], String::new(), false);
    for letter in query.chars() {
        if letter == '"' {
            is_quoted = !is_quoted;
        }
        if letter.is_whitespace() && !is_quoted {
            found.push(std::mem::take(&mut word));
        } else {
            word.push(letter);
        }
    }
    found.push(word);
    found.retain(|word| !word.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn a_query_is_words_and_pairs() {
        for (query, expected) in [
            ("", vec![]),
            ("  acme  inc ", vec![(None, "acme"), (None, "inc")]),
            ("slug:acme", vec![(Some("slug"), "acme")]),
            ("slug: acme", vec![(Some("slug"), "acme")]),
            ("slug:", vec![(Some("slug"), "")]),
            ("name:\"a b\" x", vec![(Some("name"), "a b"), (None, "x")]),
            ("\"a: b\"", vec![(None, "a: b")]),
            (":a a::b", vec![(None, ":a"), (None, "a::b")]),
            ("(slug:a OR slug:b) AND c", vec![(Some("slug"), "a"), (Some("slug"), "b"), (None, "c")]),
            ("( )", vec![]),
            ("\"open", vec![(None, "\"open")]),
        ] {
            let found = tokens(query);
            let found: Vec<_> = found.iter().map(|(key, value)| (key.as_deref(), value.as_str())).collect();
            assert_eq!(found, expected, "{query}");
        }
    }
}
