//! The form of slugs (behaviour.md 7.3), of organizations and of teams.

use crate::refusal::Refusal;

/// Slugs that are paths of their own.
const RESERVED: &[&str] =
    &["admin", "api", "docs", "healthz", "me", "metrics", "new", "openapi", "readyz", "settings"];

/// The most characters of a slug.
const MAX: usize = 50;

/// The fewest characters of an organization's slug.
const MIN_OF_ORGANIZATION: usize = 3;

/// Refuses a slug that is no short lower-case word of letters, digits and dashes, purely numeric (it would be
/// taken for an id), or reserved.
pub fn check_slug(slug: &str, of_organization: bool) -> Result<(), Refusal> {
    let why = if of_organization && slug.chars().count() < MIN_OF_ORGANIZATION {
        format!("This slug \"{slug}\" is too short. Minimum of {MIN_OF_ORGANIZATION} characters.")
    } else if slug.is_empty() {
        "This field may not be blank.".to_owned()
    } else if slug.chars().count() > MAX {
        format!("Ensure this field has no more than {MAX} characters.")
    } else if slug.chars().any(char::is_uppercase) {
        format!("The slug \"{slug}\" should not contain uppercase symbols.")
    } else if of_organization && RESERVED.contains(&slug) {
        format!("The slug \"{slug}\" is reserved and not allowed.")
    } else if !slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        || slug.starts_with('-')
        || slug.ends_with('-')
        || slug.bytes().all(|byte| byte.is_ascii_digit())
    {
        "Enter a valid slug consisting of lowercase letters, numbers, or hyphens; it must start with a letter or \
         number, not end with a hyphen, and not be entirely numeric."
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::SlugMalformed { slug: slug.chars().take(MAX).collect(), why })
}

/// The slug that a name suggests: its letters and digits, anything else between them as one dash. Nothing when too
/// little is left for an organization.
pub fn slug_of_name(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    let slug = joined.chars().take(MAX).collect::<String>().trim_end_matches('-').to_owned();
    check_slug(&slug, true).is_ok().then_some(slug)
}

#[cfg(test)]
mod tests {
    use super::{check_slug, slug_of_name};

    #[test]
    fn a_name_suggests_a_slug_or_nothing() {
        let long = "x".repeat(60);
        for (name, slug) in [
            ("Acme", Some("acme")),
            ("  The  Acme, Inc. ", Some("the-acme-inc")),
            ("Acme Z\u{fc}rich", Some("acme-z-rich")),
            (&long, Some(&long[..50])),
            ("42", None),
            ("\u{65e5}\u{672c}", None),
            ("API", None),
            ("--", None),
        ] {
            assert_eq!(slug_of_name(name).as_deref(), slug, "{name}");
        }
    }

    #[test]
    fn ordinary_slugs_pass() {
        for slug in ["santry", "downtown-canada", "1234-foo", "abc"] {
            assert!(check_slug(slug, true).is_ok(), "{slug} was refused");
        }
        assert!(check_slug("qa", false).is_ok(), "a team's slug may be short");
    }

    #[test]
    fn everything_else_is_refused_with_a_reason() {
        let long = "x".repeat(51);
        let slugs = [
            "",
            "ab",
            "Upper",
            "with space",
            "under_score",
            "-dash",
            "dash-",
            "1234",
            "api",
            "na\u{ef}ve",
            "nul\0",
            &long,
        ];
        for slug in slugs {
            assert!(check_slug(slug, true).is_err(), "{slug:?} passed");
        }
    }
}
