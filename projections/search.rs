//! The language of `query` parameters (behaviour.md 4.1): free words, and words with a key.

/// One word of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What stands before the colon; none for free text.
    pub key: Option<String>,
    /// The rest, without the quotes and the parentheses around it.
    pub value: String,
}

/// The words of a query in their order. Parentheses and the words `OR` and `AND` between them say nothing: values of
/// one key are alternatives, and all keys must be met, however it is written.
pub fn tokens(query: &str) -> Vec<Token> {
    words(query).iter().filter(|word| !is_connective(word)).map(|word| token(word)).collect()
}

/// Splits on blanks outside double quotes. A word that ends in a colon goes on with the next one.
fn words(query: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word = String::new();
    let mut quoted = false;
    for letter in query.chars() {
        if letter == '"' {
            quoted = !quoted;
        }
        if quoted || !letter.is_whitespace() {
            word.push(letter);
        } else if !word.is_empty() && !word.ends_with(':') {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn is_connective(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')']);
    bare.is_empty() || bare.eq_ignore_ascii_case("or") || bare.eq_ignore_ascii_case("and")
}

fn token(word: &str) -> Token {
    let grouped = word.trim_start_matches('(');
    let keyed = grouped
        .split_once(':')
        .filter(|(key, value)| !key.is_empty() && !key.starts_with(['"', '\'']) && !value.starts_with(':'));
    match keyed {
        Some((key, value)) => {
            let value = value.trim_end_matches(')').trim_matches('"');
            Token { key: Some(key.trim_matches('"').to_owned()), value: value.to_owned() }
        }
        None => Token { key: None, value: grouped.trim_matches(['"', '(', ')']).to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn read(query: &str) -> Vec<(Option<String>, String)> {
        tokens(query).into_iter().map(|token| (token.key, token.value)).collect()
    }

    #[track_caller]
    fn check(query: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| ((!key.is_empty()).then(|| (*key).to_owned()), (*value).to_owned()))
            .collect();
        assert_eq!(read(query), expected, "{query}");
    }

    #[test]
    fn words_are_split_at_blanks_and_at_the_first_colon() {
        check("", &[]);
        check(" \t ", &[]);
        check("foo  bar", &[("", "foo"), ("", "bar")]);
        check("role:owner x role:member", &[("role", "owner"), ("", "x"), ("role", "member")]);
        check("user.id:7", &[("user.id", "7")]);
        check("a:b:c", &[("a", "b:c")]);
        check("a:", &[("a", "")]);
    }

    #[test]
    fn quotes_keep_blanks_and_go_away() {
        check(r#"name:"foo bar" baz"#, &[("name", "foo bar"), ("", "baz")]);
        check(r#""foo bar""#, &[("", "foo bar")]);
        check(r#""role:owner x""#, &[("", "role:owner x")]);
        check("'role:owner'", &[("", "'role:owner'")]);
        check(r#"a "open end"#, &[("", "a"), ("", "open end")]);
        check(r#""""#, &[("", "")]);
    }

    #[test]
    fn a_word_that_ends_in_a_colon_goes_on() {
        check("role: owner", &[("role", "owner")]);
        check("role:   owner next", &[("role", "owner"), ("", "next")]);
        check(r#"name: "foo bar""#, &[("name", "foo bar")]);
    }

    #[test]
    fn colons_without_a_key_are_text() {
        check(":foo", &[("", ":foo")]);
        check("a::b", &[("", "a::b")]);
        check(":", &[("", ":")]);
    }

    #[test]
    fn connectives_and_parentheses_say_nothing() {
        check(
            "(role:owner OR role:member) and ( foo )",
            &[("role", "owner"), ("role", "member"), ("", "foo")],
        );
        check("() ) (", &[]);
        check("(foo) oregon", &[("", "foo"), ("", "oregon")]);
    }
}
