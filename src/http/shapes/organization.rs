//! An organization (behaviour.md 9.5).

use muster_events::{
    id::OrganizationId,
    organization::{Feature, Organization, settings},
    roles::{RoleId, ScopeSet},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Avatar,
    any_of::any_of,
    role::{OrgRoleShape, TeamRoleShape},
    team::Team,
};

/// The state of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Status {
    id: &'static str,
    name: &'static str,
}

/// Where an organization is found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Links {
    organization_url: String,
    region_url: String,
}

/// An organization, as everyone in it may see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Summary {
    id: String,
    slug: String,
    status: Status,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
    is_early_adopter: bool,
    #[serde(rename = "require2FA")]
    require_2fa: bool,
    require_email_verification: bool,
    avatar: Avatar,
    allow_member_invite: bool,
    allow_member_project_creation: bool,
    allow_superuser_access: bool,
    links: Links,
    has_auth_provider: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<Vec<&'static str>>,
    #[schema(value_type = Vec<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<ScopeSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onboarding_tasks: Option<Vec<Value>>,
}

any_of! {
    /// An organization: with its details for whoever has `org:read`, in summary for everybody else.
    OrganizationAnswer: Detailed, Summary
}

/// An organization with all of its settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Detailed {
    #[serde(flatten)]
    summary: Summary,
    is_default: bool,
    default_role: String,
    available_roles: Vec<AvailableRole>,
    org_role_list: Vec<OrgRoleShape>,
    team_role_list: Vec<TeamRoleShape>,
    requires_sso: bool,
    pending_access_requests: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    org_role: Option<String>,
    is_dynamically_sampled: bool,
    #[serde(flatten)]
    elsewhere: Elsewhere,
    /// Every setting by its name, with the default where none is stored.
    #[serde(flatten)]
    settings: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<Team>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<Vec<Value>>,
}

/// Fields of the wire format that are no business of a ledger (decision D22): the same for every organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Elsewhere {
    experiments: Map<String, Value>,
    #[schema(required)]
    relay_dsn_endpoint: Option<String>,
    aggregated_data_consent: bool,
    default_coding_agent: &'static str,
    #[schema(required)]
    default_coding_agent_integration_id: Option<String>,
    default_automated_run_stopping_point: &'static str,
    auto_enable_code_review: bool,
    auto_open_prs: bool,
    default_code_review_triggers: Vec<String>,
    has_granular_replay_permissions: bool,
    replay_access_members: Vec<u64>,
}

impl Default for Elsewhere {
    fn default() -> Self {
        Self {
            experiments: Map::new(),
            relay_dsn_endpoint: None,
            aggregated_data_consent: false,
            default_coding_agent: "seer",
            default_coding_agent_integration_id: None,
            default_automated_run_stopping_point: "code_changes",
            auto_enable_code_review: false,
            auto_open_prs: false,
            default_code_review_triggers: vec![],
            has_granular_replay_permissions: false,
            replay_access_members: vec![],
        }
    }
}

/// A role under the deprecated name of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AvailableRole {
    id: String,
    name: String,
}

/// What an organization shows that is not in its row.
#[derive(Debug)]
pub(in crate::http) struct Look {
    /// What the requester may do there; none where it is not shown.
    pub(in crate::http) access: Option<ScopeSet>,
    /// Whether the features are listed.
    pub(in crate::http) with_features: bool,
    /// Where this server is found.
    pub(in crate::http) base_url: String,
}

/// What the details show besides.
#[derive(Debug)]
pub(in crate::http) struct Details {
    /// The roles as the requester sees them.
    pub(in crate::http) org_roles: Vec<OrgRoleShape>,
    /// The team roles as the requester sees them.
    pub(in crate::http) team_roles: Vec<TeamRoleShape>,
    /// Display names of the roles.
    pub(in crate::http) role_names: Vec<(String, String)>,
    /// The role of the requester; none when he is not a member.
    pub(in crate::http) role: Option<RoleId>,
    /// How many ask to be put on a team.
    pub(in crate::http) pending_access_requests: u64,
    /// The teams, unless they are left out.
    pub(in crate::http) teams: Option<Vec<Team>>,
}

/// The summary.
pub(in crate::http) fn summary(id: OrganizationId, state: &Organization, look: Look) -> Summary {
    let setting = |field: &str| settings().iter().find(|setting| setting.field == field);
    let on = |field: &str| setting(field).is_some_and(|setting| state.setting(setting) == Value::Bool(true));
    let features = Feature::all().iter().filter(|feature| state.has_feature(**feature));
    Summary {
        id: id.to_string(),
        slug: state.slug.clone(),
        status: match state.deletion_due {
            None => Status { id: "active", name: "active" },
            Some(_) => Status { id: "pending_deletion", name: "pending deletion" },
        },
        name: state.name.clone(),
        date_created: state.created_at,
        is_early_adopter: on("isEarlyAdopter"),
        require_2fa: on("require2FA"),
        require_email_verification: state.has_feature(Feature::RequiredEmailVerification)
            && on("requireEmailVerification"),
        avatar: Avatar::of(&state.avatar, &look.base_url),
        allow_member_invite: on("allowMemberInvite"),
        allow_member_project_creation: on("allowMemberProjectCreation"),
        allow_superuser_access: on("allowSuperuserAccess"),
        links: Links {
            organization_url: format!("{}/organizations/{}/", look.base_url, state.slug),
            region_url: look.base_url,
        },
        has_auth_provider: state.sso.is_some(),
        features: look.with_features.then(|| features.map(|feature| feature.name()).collect()),
        onboarding_tasks: look.access.as_ref().map(|_| vec![]),
        access: look.access,
    }
}

/// A relay that an import stated has been there from the first day.
fn with_times(mut relay: Value, created_at: Timestamp) -> Value {
    if let Value::Object(fields) = &mut relay {
        for field in ["created", "lastModified"] {
            fields.entry(field).or_insert_with(|| created_at.to_string().into());
        }
    }
    relay
}

/// Everything.
pub(in crate::http) fn detailed(
    id: OrganizationId,
    state: &Organization,
    look: Look,
    details: Details,
) -> Detailed {
    let in_summary = [
        "isEarlyAdopter",
        "require2FA",
        "requireEmailVerification",
        "allowMemberInvite",
        "allowMemberProjectCreation",
        "allowSuperuserAccess",
    ];
    let shown = settings().iter().filter(|setting| !in_summary.contains(&setting.field));
    let value = |field: &str, value: Value| match (field, value) {
        ("sensitiveFields" | "safeFields" | "trustedRelays", Value::Null) => Value::Array(vec![]),
        ("trustedRelays", Value::Array(relays)) => {
            relays.into_iter().map(|relay| with_times(relay, state.created_at)).collect()
        }
        (_, value) => value,
    };
    let settings = shown
        .map(|setting| (setting.field.to_owned(), value(setting.field, state.setting(setting))))
        .collect();
    let role = details.role.as_ref().map(ToString::to_string);
    Detailed {
        summary: summary(id, state, look),
        is_default: false,
        default_role: state.default_role.as_ref().map(ToString::to_string).unwrap_or_default(),
        available_roles: details
            .role_names
            .into_iter()
            .map(|(id, name)| AvailableRole { id, name })
            .collect(),
        org_role_list: details.org_roles,
        team_role_list: details.team_roles,
        requires_sso: state.sso.as_ref().is_some_and(|sso| !sso.allow_unlinked),
        pending_access_requests: details.pending_access_requests,
        org_role: role.clone(),
        role,
        is_dynamically_sampled: false,
        elsewhere: Elsewhere::default(),
        settings,
        projects: details.teams.is_some().then(Vec::new),
        teams: details.teams,
    }
}
