//! What the description says of parameters that several endpoints have, each once. They are read by hand, so that a
//! malformed one is answered in the form of all other errors.
#![expect(dead_code, reason = "only described")]

use utoipa::IntoParams;

/// In the path: the organization.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfOrganization {
    /// Slug or id
    organization: String,
}

/// In the path: the organization and the member.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfMember {
    /// Slug or id
    organization: String,
    /// Id, or `me`
    member: String,
}

/// In the path: the organization and the request to invite or to join.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfRequest {
    /// Slug or id
    organization: String,
    /// Id
    request: String,
}

/// In the path: the organization and the team.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfTeam {
    /// Slug or id
    organization: String,
    /// Slug or id
    team: String,
}

/// In the path: the organization, the member and the team.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfTeamMembership {
    /// Slug or id
    organization: String,
    /// Id, or `me`
    member: String,
    /// Slug or id
    team: String,
}

/// In the path: the account.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUser {
    /// Id, or `me`
    user: String,
}

/// In the path: the account and one of its addresses.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUserEmail {
    /// Id, or `me`
    user: String,
    /// The `hash` of the address
    hash: String,
}

/// In the path: the account and one of its authenticators.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUserAuthenticator {
    /// Id, or `me`
    user: String,
    /// `totp`, `sms`, `u2f` or `recovery`
    kind: String,
}

/// In the path: the token.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfToken {
    /// Id
    token: String,
}

/// In the query: what a read waits for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Reading {
    /// Waits until the view has reached this Muster-Position
    at_least: Option<String>,
    /// `eventual` does not wait for the head of the log
    consistency: Option<String>,
}

/// In the query: which past moment.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Past {
    /// As it was: a time (RFC 3339), or a position of the log as `Muster-Position` has it. With the roles that were in
    /// force then; what the requester may see is what he may see now.
    as_of: Option<String>,
}

/// In the query: which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// From the `Link` of an earlier answer
    cursor: Option<String>,
    /// How many
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u32>,
}

/// In the headers: what makes it safe to create something.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Keyed {
    /// Makes a retry safe for 7 days
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$")]
    idempotency_key: Option<String>,
}

/// In the query: which members, and with what.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Searching {
    /// Words and `key:value`
    query: Option<String>,
    /// `externalUsers` adds accounts of other services
    expand: Option<String>,
}

/// In the headers: what makes a command safe.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Safety {
    /// Makes a retry safe for 7 days
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$")]
    idempotency_key: Option<String>,
    /// The `ETag` of an earlier answer
    #[param(rename = "If-Match", pattern = "^(\\*|\"[0-9]{1,15}\")$")]
    if_match: Option<String>,
}

/// In the query: which part of a history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Types of events, separated by commas
    #[param(rename = "type")]
    event_type: Option<String>,
    /// An id, `kind:id` or a kind
    actor: Option<String>,
    /// Recorded at this time or later (RFC 3339)
    from: Option<String>,
    /// Recorded at this time or earlier (RFC 3339)
    to: Option<String>,
    /// `next` of an earlier answer
    after: Option<String>,
    /// How many
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `asc` or `desc`
    order: Option<String>,
}

/// In the headers: where a stream goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct Resuming {
    /// The id of the last event that was received
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<String>,
}

/// In the path: the link of an invitation.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfInvitation {
    /// Id of the invited member
    member: String,
    /// The token of the link
    token: String,
}

/// In the path: the organization and the link of an invitation to it.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfInvitationWithin {
    /// Slug or id
    organization: String,
    /// Id of the invited member
    member: String,
    /// The token of the link
    token: String,
}

/// In the headers: what makes a command safe that changes nothing that was there before.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct KeyOnly {
    /// Makes a retry safe for 7 days
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]([ -~]*[!-~])?$")]
    idempotency_key: Option<String>,
}
