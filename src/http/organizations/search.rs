//! The query of a list of organizations, as filters (behaviour.md 5.6).

use muster_events::personal::EmailAddress;
use muster_projections::{
    organizations::Filter,
    search::{Token, tokens},
};

use crate::sealing::KeyRing;

/// The most words and pairs of a query: far above what anybody writes.
const MAX_TOKENS: usize = 50;

/// The filters; none when the query can find nothing.
pub(super) fn filters(query: &str, keys: &KeyRing) -> Option<Vec<Filter>> {
    // No text that is stored has it in it, and not every database can be asked for it.
    if query.contains('\0') {
        return None;
    }
    let (mut text, mut keyed) = (vec![], vec![]);
    for Token { key, value } in tokens(query).into_iter().take(MAX_TOKENS) {
        match key {
            None => text.push(value),
            Some(key) => keyed.push((key, value)),
        }
    }
    let mut filters: Vec<Filter> = vec![];
    for name in ["slug", "id", "status", "email", "member_id"] {
        let values: Vec<String> =
            keyed.extract_if(.., |(key, _)| key == name).map(|(_, value)| value).collect();
        if !values.is_empty() {
            filters.push(filter(name, values, keys));
        }
    }
    if !keyed.is_empty() {
        return None;
    }
    if !text.is_empty() {
        filters.push(Filter::Text(text.join(" ")));
    }
    Some(filters)
}

fn filter(key: &str, values: Vec<String>, keys: &KeyRing) -> Filter {
    match key {
        "slug" => Filter::Slug(values),
        "id" => Filter::Id(values.iter().filter_map(|id| id.parse().ok()).collect()),
        "member_id" => Filter::MemberId(values.iter().filter_map(|id| id.parse().ok()).collect()),
        "email" => {
            let hash = |email: String| keys.hashed(EmailAddress(email)).hash().cloned();
            Filter::Email(values.into_iter().filter_map(hash).collect())
        }
        _ => Filter::IsBeingDeleted(
            values
                .iter()
                .filter_map(|status| match status.as_str() {
                    "active" | "visible" => Some(false),
                    "pending_deletion" => Some(true),
                    _ => None,
                })
                .collect(),
        ),
    }
}
