//! What each refusal of the domain looks like on the wire: one table, status and body in the words of behaviour.md.

use axum::http::StatusCode;
use muster_events::refusal::{FieldError, Refusal};
use serde_json::{Map, Value, json};

const NOT_ALLOWED: &str = "You do not have permission to perform this action.";
const PARTNERSHIP: &str = "This member is managed by an active partnership and cannot be modified until the end of the partnership.";

const TEAM_SLUG_TAKEN: &str = "A team with this slug already exists.";

/// The status of a refusal.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    answer(refusal).0
}

/// [`status`] as a number, for idempotency rows.
pub(super) fn status_code(refusal: &Refusal) -> u16 {
    status(refusal).as_u16()
}

fn detail(text: impl Into<String>) -> Value {
    json!({ "detail": text.into() })
}

/// Clients of the accept-invite endpoints read this key.
fn details(text: impl Into<String>) -> Value {
    json!({ "details": text.into() })
}

fn structured(code: &str, message: &str, extra: &Value) -> Value {
    json!({ "detail": { "code": code, "message": message, "extra": extra } })
}

fn fields(errors: &[FieldError]) -> Value {
    let mut body = Map::new();
    for FieldError { field, messages } in errors {
        let all = body.entry(field.clone()).or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.extend(messages.iter().cloned().map(Value::String));
        }
    }
    Value::Object(body)
}

/// Status and body.
#[expect(clippy::too_many_lines, reason = "a table: one arm a refusal")]
pub(super) fn answer(refusal: &Refusal) -> (StatusCode, Value) {
    use StatusCode as S;
    match refusal {
        Refusal::Stale => (S::PRECONDITION_FAILED, detail("The resource has changed since you read it.")),
        Refusal::NoPermission => (S::FORBIDDEN, detail(NOT_ALLOWED)),
        Refusal::NotFound => (S::NOT_FOUND, detail("The requested resource does not exist")),
        Refusal::TwoFactorRequired => (
            S::UNAUTHORIZED,
            structured(
                "2fa-required",
                "Organization requires two-factor authentication to be enabled",
                &json!({}),
            ),
        ),
        Refusal::MemberOverLimit { organization } => (
            S::UNAUTHORIZED,
            structured(
                "member-disabled-over-limit",
                "Organization over member limit",
                // Where the clients of this wire format send their person.
                &json!({ "next": format!("/organizations/{organization}/disabled-member/") }),
            ),
        ),
        Refusal::UserTokenRequired => (S::BAD_REQUEST, detail("This endpoint is restricted to user tokens.")),
        Refusal::InvalidFields { errors } => (S::BAD_REQUEST, fields(errors)),
        Refusal::PartnershipRestricted => (S::FORBIDDEN, detail(PARTNERSHIP)),
        Refusal::IdentityProviderManaged => {
            (S::FORBIDDEN, detail("This user is managed through your organization's identity provider."))
        }
        Refusal::InvitationOfAnother => {
            (S::FORBIDDEN, detail("You cannot modify invitations sent by someone else."))
        }
        Refusal::RemovalOfAnothersInvitation => {
            (S::BAD_REQUEST, detail("You cannot modify invitations sent by someone else."))
        }
        Refusal::ReinviteWithChanges => (
            S::FORBIDDEN,
            detail(
                "You cannot modify member details when resending an invitation. Separate requests are required.",
            ),
        ),
        Refusal::InvitationsNotAvailable => (
            S::BAD_REQUEST,
            detail("This version of muster can neither send an invitation again nor delete one."),
        ),
        Refusal::InvitationsNotAllowed
        | Refusal::IntegrationInvitesDefaultRole
        | Refusal::TeamsOfOthers
        | Refusal::InvitationWithTeams { .. }
        | Refusal::InvitationLimit
        | Refusal::RegenerationWithoutScope
        | Refusal::InvitationExpired
        | Refusal::FullMember
        | Refusal::InvitationAccepted
        | Refusal::InviteCodeInvalid
        | Refusal::InviteNotAcceptable
        | Refusal::MemberExists
        | Refusal::InviteToAnotherAddress => of_invitations(refusal),
        Refusal::TeamRolesNotAllowed { role } => (
            S::BAD_REQUEST,
            detail(format!("The user with a '{role}' role cannot have team-level permissions.")),
        ),
        Refusal::RoleNotAssignable => {
            (S::FORBIDDEN, json!({"role": "You do not have permission to assign the given role."}))
        }
        Refusal::RoleNotChangeable => {
            (S::FORBIDDEN, json!({"role": "You do not have permission to assign a role to the given user."}))
        }
        Refusal::OwnRole => (S::BAD_REQUEST, detail("You cannot make changes to your own role.")),
        Refusal::RoleRetired { role } => (
            S::BAD_REQUEST,
            detail(format!("The role '{role}' is deprecated and may no longer be assigned.")),
        ),
        Refusal::LastOwnerDemoted => {
            (S::BAD_REQUEST, json!(["An organization must have at least one owner"]))
        }
        Refusal::LastOwnerRemoved => {
            (S::FORBIDDEN, detail("You cannot remove the only remaining owner of the organization."))
        }
        Refusal::RemovalWithoutScope => (S::BAD_REQUEST, detail("You are missing the member:admin scope.")),
        Refusal::RemovalOfHigher => {
            (S::BAD_REQUEST, detail("You cannot remove a member who has more access than you."))
        }
        // The text has no place there, but in problem details.
        Refusal::ImageTooLarge => (S::PAYLOAD_TOO_LARGE, structured("", "", &json!({}))),
        Refusal::JoinRequestsNotTaken => {
            (S::FORBIDDEN, detail("Your organization does not allow join requests."))
        }
        // Nothing is said of it there, so nothing is in the body here.
        Refusal::JoinedThroughProvider => (S::FORBIDDEN, Value::Null),
        Refusal::ProviderRegisters => (
            S::BAD_REQUEST,
            detail("Your organization must use its single sign-on provider to register new members."),
        ),
        Refusal::TooManyAttempts => (S::TOO_MANY_REQUESTS, detail("Rate limit exceeded.")),
        Refusal::PrimaryAddress => (
            S::BAD_REQUEST,
            detail("The primary address cannot be removed: make another address the primary one first."),
        ),
        other => of_teams(other).unwrap_or_else(|| (statement_status(other), detail(statement(other)))),
    }
}

fn of_invitations(refusal: &Refusal) -> (StatusCode, Value) {
    use StatusCode as S;
    match refusal {
        Refusal::InvitationsNotAllowed => {
            (S::FORBIDDEN, json!({"organization": "Your organization is not allowed to invite members"}))
        }
        Refusal::IntegrationInvitesDefaultRole => (
            S::BAD_REQUEST,
            json!(["Integration tokens are restricted to inviting new members with the member role only."]),
        ),
        Refusal::TeamsOfOthers => {
            (S::BAD_REQUEST, detail("You cannot assign members to teams you are not a member of."))
        }
        Refusal::InvitationWithTeams { role } => {
            let text = format!("The user with a '{role}' role cannot have team-level permissions.");
            (S::BAD_REQUEST, json!({ "email": text }))
        }
        Refusal::InvitationLimit => {
            (S::TOO_MANY_REQUESTS, detail("You are being rate limited for too many invitations."))
        }
        Refusal::RegenerationWithoutScope => {
            (S::BAD_REQUEST, detail("You are missing the member:admin scope."))
        }
        Refusal::InvitationExpired => (
            S::BAD_REQUEST,
            detail("You cannot resend an expired invitation without regenerating the token."),
        ),
        Refusal::FullMember => {
            (S::BAD_REQUEST, detail("You cannot send an invitation to a user who is already a full member."))
        }
        Refusal::InvitationAccepted => {
            (S::CONFLICT, detail("The invitation was accepted before it could be revoked."))
        }
        Refusal::InviteCodeInvalid => (S::BAD_REQUEST, details("Invalid invite code")),
        Refusal::MemberExists => (S::BAD_REQUEST, details("member already exists")),
        Refusal::InviteToAnotherAddress => {
            (S::BAD_REQUEST, details("This invitation was sent to another address."))
        }
        _ => (S::BAD_REQUEST, details("unable to accept organization invite")),
    }
}

/// Status and body of what is refused about teams.
fn of_teams(refusal: &Refusal) -> Option<(StatusCode, Value)> {
    use StatusCode as S;
    Some(match refusal {
        Refusal::TeamMembershipNotAllowed { role } => (
            S::FORBIDDEN,
            detail(format!("The user with a '{role}' role cannot have team-level permissions.")),
        ),
        Refusal::TeamIdentityProviderManaged => {
            (S::FORBIDDEN, detail("This team is managed through your organization's identity provider."))
        }
        Refusal::TeamMembershipNotEditable => {
            (S::BAD_REQUEST, detail("You do not have permission to edit that user's membership."))
        }
        Refusal::TeamSlugTaken => {
            (S::CONFLICT, json!({"non_field_errors": [TEAM_SLUG_TAKEN], "detail": TEAM_SLUG_TAKEN}))
        }
        _ => return None,
    })
}

fn statement_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::AlreadyExists
        | Refusal::AlreadyMember
        | Refusal::AddressInOrganization
        | Refusal::AddressTaken
        | Refusal::HasAccount { .. }
        | Refusal::UserNameTaken
        | Refusal::TokenTaken
        | Refusal::SlugTaken { .. }
        | Refusal::DeletionNotDue
        | Refusal::RolesInUse { .. }
        | Refusal::TopRoleFixed { .. } => StatusCode::CONFLICT,
        Refusal::LimitReached { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The refusal as a sentence for a person: at the command line, and in problem details.
pub fn statement(refusal: &Refusal) -> String {
    match refusal {
        Refusal::RoleUnknown { role } => format!("There is no role \"{role}\"."),
        Refusal::SlugTaken { slug } => format!("The slug \"{slug}\" is already in use."),
        Refusal::SlugMalformed { why, .. } => why.clone(),
        Refusal::ImageTooLarge => "Image too large".into(),
        Refusal::DeletionNotDue => "The organization is not to be deleted, or not yet.".into(),
        Refusal::TeamSlugTaken => TEAM_SLUG_TAKEN.into(),
        Refusal::AddressInOrganization => "The address is in the organization already.".into(),
        Refusal::AlreadyMember => "The user is a member of the organization already.".into(),
        Refusal::JoinedThroughProvider => {
            "Members of this organization join it through its single sign-on provider.".into()
        }
        Refusal::AddressTaken => "Another account has this address.".into(),
        Refusal::HasAccount { account } => {
            format!("The address is one of the account {account}: erase the account.")
        }
        Refusal::UserNameTaken => "Another account has this user name.".into(),
        Refusal::TokenTaken => "There is a token with this secret already.".into(),
        Refusal::AlreadyExists => "It exists already.".into(),
        Refusal::LimitReached { what } => format!("The limit of {what} is reached."),
        Refusal::RolesInUse { roles } => {
            let roles: Vec<_> = roles.iter().map(|role| format!("\"{role}\"")).collect();
            format!(
                "Somebody holds {}: a new definition must keep every role that is held.",
                roles.join(", ")
            )
        }
        Refusal::TopRoleFixed { role } => {
            format!("Organizations have owners by the role \"{role}\": it must stay the highest one.")
        }
        other => match answer(other).1 {
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            Value::Object(body) => body
                .iter()
                .map(|(field, value)| match (field.as_str(), value) {
                    (_, Value::String(text)) => text.clone(),
                    ("detail", Value::Object(detail)) => {
                        detail.get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
                    }
                    (field, Value::Array(texts)) => {
                        let texts: Vec<_> = texts.iter().filter_map(Value::as_str).collect();
                        format!("{field}: {}", texts.join(" "))
                    }
                    (field, value) => format!("{field}: {value}"),
                })
                .collect::<Vec<_>>()
                .join(" "),
            _ => other.code().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use muster_events::refusal::{FieldError, Refusal};
    use serde_json::json;

    use super::{answer, statement};

    #[test]
    fn errors_of_one_field_are_one_list() {
        let errors = vec![
            FieldError::new("teams", "Invalid teams"),
            FieldError::new("role", "a"),
            FieldError::new("role", "b"),
        ];
        let (status, body) = answer(&Refusal::InvalidFields { errors });
        assert_eq!((status.as_u16(), body), (400, json!({"teams": ["Invalid teams"], "role": ["a", "b"]})));
    }

    #[test]
    fn the_last_owner_is_a_bare_list_when_demoted_and_a_detail_when_removed() {
        assert_eq!(
            answer(&Refusal::LastOwnerDemoted).1,
            json!(["An organization must have at least one owner"])
        );
        assert_eq!(answer(&Refusal::LastOwnerRemoved).0.as_u16(), 403);
    }

    #[test]
    fn a_sentence_for_people_is_made_of_every_form_of_body() {
        assert_eq!(statement(&Refusal::LastOwnerDemoted), "An organization must have at least one owner");
        assert_eq!(
            statement(&Refusal::MemberOverLimit { organization: "acme".into() }),
            "Organization over member limit"
        );
        let errors = vec![FieldError::new("teams", "Invalid teams")];
        assert_eq!(statement(&Refusal::InvalidFields { errors }), "teams: Invalid teams");
    }
}
