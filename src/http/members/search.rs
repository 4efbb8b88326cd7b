//! The members that a `query` means. What people are called is opened here, one batch after the other.

use std::collections::BTreeSet;

use muster_events::{
    id::OrganizationId,
    personal::{EmailAddress, Envelope, KeyedHash, Personal, PersonalText},
    roles::Roles,
};
use muster_projections::{
    error::ViewError,
    members::{
        Candidate, MemberFilter, MemberRow,
        search::{self, Scan},
    },
    read::{Listed, Page},
    views::Views,
};

use crate::{
    http::{app::App, problem::Problem},
    ledger::Failure,
    sealing::{KeyRing, Opener, Unsealed},
};

/// The longest query: far above what anybody types.
const MAX_QUERY: usize = 4_000;

/// Reads the query of a request; an address in it is known by its keyed hash.
pub(super) fn parse(query: &str, roles: &Roles, keys: &KeyRing) -> Result<MemberFilter, Problem> {
    if query.chars().count() > MAX_QUERY {
        let text = format!("Ensure this value has at most {MAX_QUERY} characters.");
        return Err(Problem::parameter("query", text));
    }
    let hash = |address: &str| keys.hashed(EmailAddress(address.to_owned())).hash().cloned();
    Ok(MemberFilter::parse(query, roles, hash))
}

/// A page of those who fit.
pub(super) async fn find(
    app: &App,
    views: &Views,
    organization: OrganizationId,
    filter: &MemberFilter,
    page: Page,
) -> Result<Listed<MemberRow>, Problem> {
    let unavailable = |error: ViewError| Problem::unavailable(&error.to_string());
    let addresses = filter.addresses();
    if !filter.asks_for_text() && addresses.is_empty() {
        return search::page(views, organization, filter, page).await.map_err(unavailable);
    }
    let mut scan = Scan::begin(views, organization, filter).await.map_err(unavailable)?;
    let (mut before, mut rows) = (0, vec![]);
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    loop {
        let batch = scan.next_batch().await.map_err(unavailable)?;
        if batch.is_empty() {
            return Ok(Listed { rows, more: false });
        }
        let envelopes = batch.iter().flat_map(envelopes);
        let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
        for candidate in batch {
            // The log keeps the hash of an address that was erased: whoever guesses it finds nobody by it.
            let is_found = addresses.is_empty() || has_any(&candidate, &addresses, &opener);
            if !is_found || !filter.fits(&candidate, &texts(&candidate, &opener)) {
                continue;
            }
            if before < page.offset {
                before += 1;
            } else if rows.len() < limit {
                rows.push(candidate.row);
            } else {
                return Ok(Listed { rows, more: true });
            }
        }
    }
}

fn envelopes(candidate: &Candidate) -> impl Iterator<Item = &Envelope> {
    let account = candidate.row.account.as_ref().into_iter();
    let names = account.flat_map(|account| {
        account.username.envelope().into_iter().chain(account.name.as_ref().and_then(Personal::envelope))
    });
    names.chain(candidate.addresses.iter().chain(&candidate.row.email).filter_map(Personal::envelope))
}

/// What the candidate is called. What cannot be opened, because it was erased or for another reason, is not found.
fn texts(candidate: &Candidate, opener: &Opener) -> Vec<String> {
    let addresses = candidate.addresses.iter().chain(&candidate.row.email);
    let account = candidate.row.account.as_ref();
    let username = account.and_then(|account| readable(&account.username, opener));
    let name = account.and_then(|account| account.name.as_ref()).and_then(|name| readable(name, opener));
    addresses.filter_map(|address| readable(address, opener)).chain(username).chain(name).collect()
}

fn has_any(candidate: &Candidate, addresses: &BTreeSet<&KeyedHash>, opener: &Opener) -> bool {
    let mut own = candidate.addresses.iter().chain(&candidate.row.email);
    own.any(|own| own.hash().is_some_and(|hash| addresses.contains(hash)) && readable(own, opener).is_some())
}

fn readable<T: PersonalText>(personal: &Personal<T>, opener: &Opener) -> Option<String> {
    match personal {
        Personal::Open { value, .. } => Some(value.as_text().to_owned()),
        Personal::Sealed(envelope) => match opener.unseal(envelope) {
            Ok(Unsealed::Value(text)) => Some(text),
            Ok(Unsealed::Erased) | Err(_) => None,
        },
    }
}
