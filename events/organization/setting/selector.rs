//! The syntax of selectors: which fields of a report are meant, such as `$error.value`, `extra.**` or
//! `(a.b || c) && !'odd key'`.
//!
//! Only the form is checked; that a named type or field exists is no business of a ledger (decision D20).

/// How deep parentheses and negations may be nested: more than anybody writes, and far below the stack's end.
const DEPTH_LIMIT: usize = 32;

/// Checks a selector; the error is the part of it from which on it makes no sense.
pub(super) fn check(selector: &str) -> Result<(), String> {
    match alternatives(selector, DEPTH_LIMIT).map(str::trim_start) {
        Ok("") => Ok(()),
        Ok(rest) | Err(rest) => Err(rest.to_owned()),
    }
}

/// What is left of the text after an element, or from where on there is none.
type Rest<'text> = Result<&'text str, &'text str>;

fn alternatives(text: &str, depth: usize) -> Rest<'_> {
    separated(text, "||", |text| separated(text, "&&", |text| negatable(text, depth)))
}

fn separated<'text>(
    text: &'text str,
    separator: &str,
    element: impl Fn(&'text str) -> Rest<'text>,
) -> Rest<'text> {
    let mut rest = element(text)?;
    // Ends with the text: each turn takes at least the separator from it.
    while let Some(next) = rest.trim_start().strip_prefix(separator) {
        rest = element(next)?;
    }
    Ok(rest)
}

fn negatable(text: &str, depth: usize) -> Rest<'_> {
    let text = text.trim_start();
    let depth = depth.checked_sub(1).ok_or(text)?;
    if let Some(negated) = text.strip_prefix('!') {
        negatable(negated, depth)
    } else if let Some(inner) = text.strip_prefix('(') {
        let rest = alternatives(inner, depth)?.trim_start();
        rest.strip_prefix(')').ok_or(rest)
    } else {
        separated_path(text)
    }
}

/// Unlike the operators, the dots of a path have no blanks around them.
fn separated_path(text: &str) -> Rest<'_> {
    let mut rest = path_item(text)?;
    // Ends with the text: each turn takes at least the dot from it.
    while let Some(next) = rest.strip_prefix('.') {
        rest = path_item(next)?;
    }
    Ok(rest)
}

fn path_item(text: &str) -> Rest<'_> {
    if let Some(rest) = text.strip_prefix("**").or_else(|| text.strip_prefix('*')) {
        Ok(rest)
    } else if let Some(quoted) = text.strip_prefix('\'') {
        after_quote(quoted).ok_or(text)
    } else {
        let word = text.strip_prefix('$').unwrap_or(text);
        let rest = word.trim_start_matches(|letter: char| letter.is_alphanumeric() || "_-".contains(letter));
        if rest.len() == word.len() { Err(text) } else { Ok(rest) }
    }
}

/// What follows the closing quote; a doubled quote stands for one inside the key.
fn after_quote(mut quoted: &str) -> Option<&str> {
    // Ends with the text: each turn takes at least one quote from it.
    loop {
        quoted = quoted.split_once('\'')?.1;
        match quoted.strip_prefix('\'') {
            Some(continued) => quoted = continued,
            None => return Some(quoted),
        }
    }
}
