//! PUT `organizations/{organization}/administration/`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{Member, MemberFlag},
    organization::{Feature, Organization},
    stream::Sequence,
    team::Team,
};
use serde::Serialize;

use super::body;
use crate::{
    http::{
        app::App,
        asking::Asking,
        body::{Flag, JsonObject},
        described::{OfOrganization, Safety},
        params::InPath,
        problem::Problem,
        shapes::OnlyId,
    },
    ledger::{
        Failure,
        operations::{AdministerOrganization, AsSuperuser},
    },
};

/// Administer an organization
///
/// Features, single sign-on, and the marks on members and teams that no request of a member sets: all or nothing. What the
/// body does not name stays as it is. For superusers.
#[utoipa::path(
    put,
    path = "/api/0/organizations/{organization}/administration/",
    tag = "administration",
    params(OfOrganization, Safety),
    request_body(content = AdministrationBody, description = "Every field is optional"),
    responses(
        (status = 200, description = "What was administered, afterwards", body = Administration,
            headers(("ETag" = String), ("Muster-Position" = String), ("Idempotent-Replayed" = Option<bool>))),
        (status = 400, description = "A field is not valid"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is no superuser"),
        (status = 404, description = "There is no such organization"),
        (status = 412, description = "The organization has changed since the ETag was given"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The body is not JSON"),
        (status = 422, description = "The Idempotency-Key was used for another request"),
        (status = 503, description = "Not available at the moment; a retry with the same Idempotency-Key is safe"),
    )
)]
pub(in crate::http) async fn update(
    State(app): State<App>,
    asking: Asking,
    InPath(organization): InPath<String>,
    body: JsonObject,
) -> Result<Response, Problem> {
    let asked = body::parse(organization, &body.fields);
    let if_match = asking.if_match()?;
    let asked = asked.map(|asked| AdministerOrganization { if_match, ..asked });
    let operation = AsSuperuser { caller: asking.caller, operation: asked };
    let ended = asking.carry_out(&app, &body.raw, StatusCode::OK, &operation).await?;
    // What is committed is never answered with an error.
    let id = ended.resource.parse().ok();
    let shown = match (id, &operation.operation) {
        (Some(id), Ok(asked)) => show(&app, id, asked).await.ok(),
        _ => None,
    };
    Ok(match shown {
        Some((sequence, shown)) => (ended.headers(Some(sequence)), Json(shown)).into_response(),
        None => (ended.headers(None), Json(OnlyId::of(&ended.resource))).into_response(),
    })
}

/// What was administered, as it is now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Administration {
    id: String,
    slug: String,
    features: BTreeMap<&'static str, bool>,
    #[schema(required)]
    sso: Option<Sso>,
    /// The members that the request named
    members: Vec<AdministeredMember>,
    /// The teams that the request named
    teams: Vec<AdministeredTeam>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Sso {
    provider: String,
    name: String,
    allow_unlinked: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AdministeredMember {
    id: String,
    flags: BTreeMap<&'static str, bool>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct AdministeredTeam {
    id: String,
    slug: String,
    idp_provisioned: bool,
    active: bool,
}

async fn show(
    app: &App,
    id: OrganizationId,
    asked: &AdministerOrganization,
) -> Result<(Sequence, Administration), Failure> {
    let found = app.ledger.state::<Organization>(&id.into()).await?;
    let mut members = vec![];
    for (named, _) in &asked.members {
        let Ok(member) = named.parse::<MemberId>() else { continue };
        let state = app.ledger.state::<Member>(&member.into()).await?.state;
        let flags = MemberFlag::ALL.map(|flag| (flag.name(), state.flags.contains(&flag)));
        members.push(AdministeredMember { id: member.to_string(), flags: flags.into() });
    }
    let mut teams = vec![];
    for marks in &asked.teams {
        let team = match marks.team.parse::<TeamId>() {
            Ok(team) => Some(team),
            Err(_) => app.ledger.find_team(id, &marks.team).await?,
        };
        let Some(team) = team else { continue };
        let Team { slug, idp_provisioned, active, .. } =
            Team::clone(&*app.ledger.state::<Team>(&team.into()).await?.state);
        teams.push(AdministeredTeam { id: team.to_string(), slug, idp_provisioned, active });
    }
    let organization = &found.state;
    let features = Feature::all().iter().map(|feature| (feature.name(), organization.has_feature(*feature)));
    let sso = organization.sso.clone().map(|sso| Sso {
        provider: sso.provider,
        name: sso.name,
        allow_unlinked: sso.allow_unlinked,
    });
    let (slug, features) = (organization.slug.clone(), features.collect());
    Ok((found.sequence, Administration { id: id.to_string(), slug, features, sso, members, teams }))
}

/// What is to be administered.
#[derive(utoipa::ToSchema)]
#[schema(example = json!({ "features": { "team-roles": true } }))]
#[expect(
    dead_code,
    reason = "describes the body; it is read field by field, so that all errors come together"
)]
pub(in crate::http) struct AdministrationBody {
    /// Features by name, each on or off
    #[schema(value_type = Option<BTreeMap<String, Flag>>)]
    features: Option<BTreeMap<String, bool>>,
    /// The provider that members log in through: `provider`, `name`, `allowUnlinked`
    sso: Option<serde_json::Value>,
    /// Members: `id`, and `flags`, an object of those that change or a list of all that are set
    members: Option<Vec<serde_json::Value>>,
    /// Teams: `slug`, `idpProvisioned`, `active`
    teams: Option<Vec<serde_json::Value>>,
}
