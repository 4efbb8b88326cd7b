//! POST `api-tokens/`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::{
    refusal::{FieldError, Refusal},
    roles::{NoTokenScope, ScopeSet},
    token::{ApiToken, TokenOwner},
};
use serde_json::{Map, Value, json};

use crate::{
    http::{
        app::App,
        asking::Asking,
        body::{JsonObject, Text, list, string},
        described::Keyed,
        problem::Problem,
        shapes::token::{self as shape, IssuedToken},
    },
    ledger::{
        Caller, CallerKind, Failure,
        operations::{IssueToken, IssueTokenBy, Secret},
    },
};

/// The most scopes that are read.
const MAX_SCOPES: usize = 100;

/// Issue a token
///
/// For the requester himself, with scopes that are no wider than those of the token that is shown; for anybody and for
/// organizations, by a superuser. Without `scopes` it has all. The secret is shown this once: a repetition with the same
/// Idempotency-Key is answered with 409.
#[utoipa::path(
    post,
    path = "/api/0/api-tokens/",
    tag = "administration",
    params(Keyed),
    request_body(content = IssueBody, description = "Every field is optional"),
    responses(
        (status = 201, description = "The token with its secret", body = IssuedToken, headers(("Muster-Position" = String))),
        (status = 400, description = "A field is not valid, or an organization's own token was shown"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester may not issue this token"),
        (status = 409, description = "It was issued before with this Idempotency-Key; its secret is not shown again"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn issue(
    State(app): State<App>,
    asking: Asking,
    body: JsonObject,
) -> Result<Response, Problem> {
    let (id, secret) = (app.ledger.new_token_id(), Secret::random());
    let asked = read(&app, &asking.caller, &body.fields).await?;
    let token = asked.map(|(owner, scopes)| IssueToken { token: id, owner, scopes, secret: secret.clone() });
    let operation = IssueTokenBy { caller: asking.caller, token };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::CREATED, &operation).await?;
    if ended.is_repetition() {
        return Err(Problem::shown_once().with_headers(ended.headers(None)));
    }
    let headers = ended.headers(None);
    // What is committed is never answered with an error; without its secret the token would be of no use.
    let found = app.ledger.state::<ApiToken>(&id.into()).await;
    let Secret(secret) = secret;
    let shown = found.ok().and_then(|found| shape::issued(id, &found.state, secret.clone()));
    Ok(match shown {
        Some(shown) => (StatusCode::CREATED, headers, Json(shown)).into_response(),
        None => (StatusCode::CREATED, headers, Json(json!({ "id": id, "token": secret }))).into_response(),
    })
}

type Asked = (TokenOwner, Option<ScopeSet>);

/// Whose token is asked for, with which scopes; or what is wrong with that.
async fn read(
    app: &App,
    caller: &Caller,
    fields: &Map<String, Value>,
) -> Result<Result<Asked, Refusal>, Failure> {
    let mut errors = vec![];
    let scopes = fields.get("scopes").filter(|scopes| !scopes.is_null());
    let scopes = scopes.and_then(|value| scopes_of(value).map_err(|error| errors.push(error)).ok());
    let given = |field: &str| fields.get(field).filter(|value| !value.is_null());
    let owner = match (given("user"), given("organization")) {
        (Some(_), Some(_)) => {
            Err(FieldError::new("organization", "A token has one owner: leave \"user\" out."))
        }
        (Some(user), None) => user_of(caller, user),
        (None, Some(organization)) => organization_of(app, organization).await?,
        (None, None) => Ok(match caller.kind {
            CallerKind::User(user) => TokenOwner::User(user),
            CallerKind::Integration(organization) => TokenOwner::Organization(organization),
        }),
    };
    Ok(match owner {
        Ok(owner) if errors.is_empty() => Ok((owner, scopes)),
        owner => {
            errors.extend(owner.err());
            Err(Refusal::InvalidFields { errors })
        }
    })
}

fn user_of(caller: &Caller, value: &Value) -> Result<TokenOwner, FieldError> {
    let named = string("user", value)?;
    let user = match (named.as_str(), caller.kind) {
        ("me", CallerKind::User(user)) => Some(user),
        (id, _) => id.parse().ok(),
    };
    user.map(TokenOwner::User).ok_or_else(|| FieldError::new("user", "Object does not exist."))
}

async fn organization_of(app: &App, value: &Value) -> Result<Result<TokenOwner, FieldError>, Failure> {
    let named = match string("organization", value) {
        Ok(named) => named,
        Err(error) => return Ok(Err(error)),
    };
    match app.ledger.find_organization(&named).await {
        Ok(organization) => Ok(Ok(TokenOwner::Organization(organization))),
        Err(Failure::Refused(_)) => Ok(Err(FieldError::new("organization", "Object does not exist."))),
        Err(failure) => Err(failure),
    }
}

fn scopes_of(value: &Value) -> Result<ScopeSet, FieldError> {
    let field = "scopes";
    let texts: Vec<_> =
        list(field, value, MAX_SCOPES)?.iter().map(|item| string(field, item)).collect::<Result<_, _>>()?;
    ScopeSet::of_token(texts.iter().map(String::as_str)).map_err(|NoTokenScope(text)| {
        let start: String = text.chars().take(80).collect();
        FieldError::new(field, format!("\"{start}\" is not a valid choice."))
    })
}

/// A new token.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "scopes": ["member:read"] }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct IssueBody {
    /// The person it is for: id, or `me`, which it is without this field
    user: Option<Text>,
    /// The organization it is for, without a person: slug or id
    organization: Option<Text>,
    /// What it is limited to
    scopes: Option<Vec<Text>>,
}
