//! An account as an answer: of a read, from the views; of a command, from the aggregate.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::{
    id::UserId,
    refusal::Refusal,
    user::{Authenticator, User},
};
use muster_projections::users::{EmailRow, UserRow};

use crate::{
    http::{
        app::App,
        asking::{Asking, Ended},
        problem::Problem,
        shapes::{
            OnlyId,
            account::{self as shape, Account, AccountAuthenticator, AccountEmail},
        },
    },
    ledger::{Caller, CallerKind, Failure, Versioned},
};

/// What the answers are read from.
pub(super) const MODELS: &[&str] = &["users"];

/// The account that a path names: an id, or `me` for the caller's own; none for what is no account.
pub(in crate::http) fn named(caller: &Caller, id_or_me: &str) -> Option<UserId> {
    match (id_or_me, caller.kind) {
        ("me", CallerKind::User(user)) => Some(user),
        ("me", CallerKind::Integration(_)) => None,
        (id, _) => id.parse().ok(),
    }
}

/// The account that a path names, when the caller may look at it.
pub(super) async fn seen(app: &App, caller: &Caller, id_or_me: &str) -> Result<UserId, Problem> {
    let requester = app.ledger.look().asker(caller).await?;
    Ok(requester.see_account(named(caller, id_or_me))?)
}

/// Which part of an account a command answers with.
pub(super) enum Part {
    /// All of it.
    Account,
    /// This address.
    Email(String),
    /// This authenticator.
    Authenticator(Authenticator),
}

/// The answer to a command that was carried out, with what the account is now: also when it cannot be shown, or not to
/// this requester any more. What is committed is never answered with an error.
pub(super) async fn done(
    app: &App,
    asking: &Asking,
    ended: &Ended,
    status: StatusCode,
    part: Part,
) -> Response {
    let shown = async {
        let id = seen(app, &asking.caller, &ended.resource).await?;
        let found = app.ledger.state::<User>(&id.into()).await?;
        let body = show(app, id, &found, &part).await?;
        Ok::<_, Problem>((found.sequence, body))
    };
    match shown.await {
        Ok((sequence, body)) => (status, ended.headers(Some(sequence)), body).into_response(),
        Err(_) => (status, ended.headers(None), Json(OnlyId::of(&ended.resource))).into_response(),
    }
}

async fn show(app: &App, id: UserId, found: &Versioned<User>, part: &Part) -> Result<Response, Problem> {
    let not_found = || Problem::from(Refusal::NotFound);
    let (row, emails) = rows(id, found).ok_or_else(not_found)?;
    Ok(match part {
        Part::Account => Json(account(app, &row, &emails).await?).into_response(),
        Part::Email(hash) => {
            let mut shown = addresses(app, &emails).await?.into_iter();
            Json(shown.find(|email| email.hash() == hash).ok_or_else(not_found)?).into_response()
        }
        Part::Authenticator(kind) => {
            let enrolled = row.authenticators.iter().find(|(enrolled, _)| *enrolled == kind);
            Json(shape::authenticator(enrolled.ok_or_else(not_found)?)).into_response()
        }
    })
}

/// The account with its addresses, in the form in which the views give them.
fn rows(id: UserId, found: &Versioned<User>) -> Option<(UserRow, Vec<EmailRow>)> {
    let user = &found.state;
    let (username, primary) = (user.username.clone()?, user.addresses.first()?);
    let row = UserRow {
        id,
        sequence: found.sequence,
        username,
        name: user.name.clone(),
        email: primary.email.clone(),
        email_verified: primary.verified,
        emails: u64::try_from(user.addresses.len()).unwrap_or(u64::MAX),
        active: user.active,
        superuser: user.superuser,
        authenticators: user.authenticators.clone(),
        created_at: user.created_at,
    };
    let emails = user.addresses.iter().enumerate().map(|(place, address)| EmailRow {
        email: address.email.clone(),
        verified: address.verified,
        primary: place == 0,
    });
    Some((row, emails.collect()))
}

/// The account in its shape.
pub(super) async fn account(app: &App, row: &UserRow, emails: &[EmailRow]) -> Result<Account, Problem> {
    let opener = app.ledger.keys().opener(shape::envelopes(row, emails)).await.map_err(Failure::from)?;
    Ok(shape::account(row, emails, &opener))
}

/// The addresses in their shape.
pub(super) async fn addresses(app: &App, emails: &[EmailRow]) -> Result<Vec<AccountEmail>, Problem> {
    let envelopes = emails.iter().filter_map(|row| row.email.envelope());
    let opener = app.ledger.keys().opener(envelopes).await.map_err(Failure::from)?;
    Ok(emails.iter().map(|row| shape::email(row, &opener)).collect())
}

/// The authenticators in their shape.
pub(super) fn authenticators(row: &UserRow) -> Vec<AccountAuthenticator> {
    row.authenticators.iter().map(shape::authenticator).collect()
}
