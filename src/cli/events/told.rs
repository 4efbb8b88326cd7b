//! An event as a row of a table: what changed, from what, to what.
//!
//! Told from the stored JSON, so that an event of a type that this version does not know is shown too.

use muster_events::{organization, stream::StreamId, team, user};
use serde_json::Value;

use crate::{cli::names::Names, history::ShownEvent};

/// A piece of a cell: text, or somebody or something that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Named(&'static str, String),
}

/// What an event changed. Nothing stands for the absence of a value, before something was or after it was.
#[derive(Debug, Default)]
struct Told {
    what: Vec<Piece>,
    before: Vec<Piece>,
    after: Vec<Piece>,
}

/// The cells of a row.
#[derive(Debug)]
pub(in crate::cli) struct Cells {
    /// What changed.
    pub(in crate::cli) what: String,
    /// From what; empty when there was nothing.
    pub(in crate::cli) before: String,
    /// To what; empty when nothing is left.
    pub(in crate::cli) after: String,
}

/// Tells an event.
pub(in crate::cli) async fn cells(event: &ShownEvent, names: &mut Names<'_>) -> Cells {
    let told = tell(&event.event_type, &event.payload).unwrap_or_else(|| unknown(event));
    Cells {
        what: join(told.what, names).await,
        before: join(told.before, names).await,
        after: join(told.after, names).await,
    }
}

async fn join(pieces: Vec<Piece>, names: &mut Names<'_>) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Named(kind, id) => text.push_str(&names.stream(&StreamId::new(kind, &id)).await),
        }
    }
    text
}

/// The payload, where nothing is known of its meaning.
fn unknown(event: &ShownEvent) -> Told {
    Told { what: text(&event.event_type), before: vec![], after: text(&event.payload.to_string()) }
}

fn text(text: &str) -> Vec<Piece> {
    vec![Piece::Text(text.into())]
}

/// The value of a field as text: none when it is absent or null.
fn field(payload: &Value, name: &str) -> Option<String> {
    match payload.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn value(payload: &Value, name: &str) -> Vec<Piece> {
    field(payload, name).map(Piece::Text).into_iter().collect()
}

fn named(kind: &'static str, payload: &Value, name: &str) -> Vec<Piece> {
    field(payload, name).map(|id| Piece::Named(kind, id)).into_iter().collect()
}

fn on_team(words: &str, payload: &Value) -> Vec<Piece> {
    [text(words), named(team::TYPE, payload, "team")].concat()
}

fn on_off(payload: &Value, name: &str) -> Vec<Piece> {
    match payload.get(name).and_then(Value::as_bool) {
        Some(true) => text("on"),
        Some(false) => text("off"),
        None => vec![],
    }
}

fn changed(what: Vec<Piece>, before: Vec<Piece>, after: Vec<Piece>) -> Told {
    Told { what, before, after }
}

fn began(what: &str, after: Vec<Piece>) -> Told {
    changed(text(what), vec![], after)
}

/// What each type of event says; none for a type that is not known here.
fn tell(event_type: &str, payload: &Value) -> Option<Told> {
    tell_of_member(event_type, payload)
        .or_else(|| tell_of_organization(event_type, payload))
        .or_else(|| tell_of_letter(event_type, payload))
        .or_else(|| tell_of_others(event_type, payload))
}

fn tell_of_member(event_type: &str, payload: &Value) -> Option<Told> {
    let or = |pieces: Vec<Piece>, otherwise: &str| if pieces.is_empty() { text(otherwise) } else { pieces };
    Some(match event_type {
        "MemberInvited" => began("invited as", value(payload, "org_role")),
        "MemberAdded" => began("joined as", value(payload, "org_role")),
        "InviteRequested" => began("proposed as", value(payload, "org_role")),
        "JoinRequested" => began("asked to join as", value(payload, "org_role")),
        "InviteApproved" => began("request approved, valid until", value(payload, "expires_at")),
        "InviteRequestRejected" => changed(text("request rejected"), value(payload, "role"), vec![]),
        "InviteResent" => began("invitation", text("sent again")),
        "InviteTokenRegenerated" => began("new link, valid until", value(payload, "expires_at")),
        "InviteExpired" => changed(text("invitation"), text("open"), text("expired")),
        "InviteRevoked" => changed(text("invitation revoked"), value(payload, "role"), vec![]),
        "InviteAccepted" => {
            let matches = payload.get("email_matches").and_then(Value::as_bool).unwrap_or(true);
            began("accepted the invitation", if matches { vec![] } else { text("with another address") })
        }
        "OrgRoleChanged" => changed(text("role"), value(payload, "from"), value(payload, "to")),
        "TeamAssigned" => changed(on_team("team ", payload), vec![], or(value(payload, "role"), "on it")),
        "TeamUnassigned" => changed(on_team("team ", payload), or(value(payload, "role"), "on it"), vec![]),
        "TeamRoleChanged" => {
            let (from, to) = (value(payload, "from"), value(payload, "to"));
            changed(on_team("role on ", payload), or(from, "none"), or(to, "none"))
        }
        "TeamRoleCleared" => {
            let after = [text("implied by "), value(payload, "because_of_org_role")].concat();
            changed(on_team("role on ", payload), value(payload, "was"), after)
        }
        "TeamAccessRequested" => began("asked to join", named(team::TYPE, payload, "team")),
        "TeamAccessApproved" => changed(on_team("request for ", payload), text("open"), text("granted")),
        "TeamAccessDenied" => changed(on_team("request for ", payload), text("open"), text("denied")),
        "SsoUnlinked" => changed(text("linked to"), value(payload, "provider"), vec![]),
        "MemberReturnedToPending" => {
            let lacks = field(payload, "reason").unwrap_or_default().replace('_', " ");
            changed(text("invited again"), text("member"), text(&lacks))
        }
        "SsoLinkRequested" => began("asked to link to", value(payload, "provider")),
        "SsoLinked" => began("linked to", value(payload, "provider")),
        "MemberFlagSet" => began("flag", value(payload, "flag")),
        "MemberFlagCleared" => changed(text("flag"), value(payload, "flag"), vec![]),
        "MemberRemoved" => {
            let left = field(payload, "reason").is_some_and(|reason| reason == "left");
            changed(text(if left { "left" } else { "removed" }), value(payload, "role"), vec![])
        }
        "InviteeErased" => changed(text("address"), text("there"), text("erased")),
        _ => return None,
    })
}

fn tell_of_organization(event_type: &str, payload: &Value) -> Option<Told> {
    let avatar = |name: &str| payload.get(name).map(|avatar| value(avatar, "kind")).unwrap_or_default();
    Some(match event_type {
        "OrganizationRenamed" => changed(text("name"), value(payload, "from"), value(payload, "to")),
        "OrganizationSlugChanged" => changed(text("slug"), value(payload, "from"), value(payload, "to")),
        "AvatarChanged" => changed(text("picture"), avatar("from"), avatar("to")),
        "EmailVerificationRequired" => changed(text("verified address"), text("optional"), text("required")),
        "EmailVerificationRequirementLifted" => {
            changed(text("verified address"), text("required"), text("optional"))
        }
        "SsoChanged" => {
            let named = |key: &str| {
                let allowed = payload[key]["allow_unlinked"] == Value::Bool(true);
                let unlinked = text(if allowed { ", not required" } else { ", required" });
                [value(&payload[key], "name"), unlinked].concat()
            };
            changed(text("single sign-on"), named("from"), named("to"))
        }
        "SsoDisabled" => changed(text("single sign-on"), value(payload, "provider"), vec![]),
        "DeletionScheduled" => began("deletion due", value(payload, "due_at")),
        "DeletionCancelled" => changed(text("deletion"), text("due"), text("called off")),
        "OrganizationDeleted" => changed(text("deleted"), value(payload, "name"), vec![]),
        _ => return None,
    })
}

fn tell_of_letter(event_type: &str, payload: &Value) -> Option<Told> {
    Some(match event_type {
        "LetterQueued" => began("to be sent to", value(payload, "email")),
        "LetterSent" => began("sent at attempt", value(payload, "attempt")),
        "LetterAttemptFailed" => {
            let what = [text("attempt "), value(payload, "attempt")].concat();
            let code = field(payload, "code").map(|code| format!("{code} "));
            let why = [code.map(Piece::Text).into_iter().collect(), value(payload, "text")].concat();
            changed(what, vec![], why)
        }
        "LetterDropped" => {
            began("not sent", text(&field(payload, "why").unwrap_or_default().replace('_', " ")))
        }
        "LetterParked" => changed(text("letter"), text("waiting"), text("parked")),
        "LetterReleased" => changed(text("letter"), text("parked"), text("waiting")),
        _ => return None,
    })
}

fn tell_of_others(event_type: &str, payload: &Value) -> Option<Told> {
    Some(match event_type {
        "OrganizationCreated" => began("created", value(payload, "name")),
        "OrganizationOptionChanged" => {
            changed(value(payload, "option"), value(payload, "from"), value(payload, "to"))
        }
        "OrganizationFlagChanged" | "TeamFlagged" => {
            changed(value(payload, "flag"), vec![], on_off(payload, "to"))
        }
        "DefaultRoleChanged" => changed(text("default role"), value(payload, "from"), value(payload, "to")),
        "TwoFactorRequired" => changed(text("second factor"), text("optional"), text("required")),
        "TwoFactorRequirementLifted" => changed(text("second factor"), text("required"), text("optional")),
        "SsoEnabled" => began("single sign-on", value(payload, "name")),
        "FeatureSet" => {
            let what = [text("feature "), value(payload, "feature")].concat();
            changed(what, vec![], on_off(payload, "on"))
        }
        "TeamRenamed" => changed(text("name"), value(payload, "from"), value(payload, "to")),
        "TeamSlugChanged" => changed(text("slug"), value(payload, "from"), value(payload, "to")),
        "TeamDeleted" => changed(text("deleted"), value(payload, "slug"), vec![]),
        "TeamCreated" => {
            let created = [text("created in "), named(organization::TYPE, payload, "organization")].concat();
            changed(created, vec![], value(payload, "name"))
        }
        "UserRegistered" => began("registered as", value(payload, "username")),
        "EmailAdded" => began("address", value(payload, "email")),
        "UserRenamed" => renamed(payload),
        "EmailVerified" => began("address", text("verified")),
        "EmailRemoved" => began("address", text("removed")),
        "PrimaryEmailChanged" => began("primary address", text("another one")),
        "AuthenticatorEnrolled" => began("authenticator", value(payload, "kind")),
        "AuthenticatorRemoved" => changed(text("authenticator"), value(payload, "kind"), vec![]),
        "UserReactivated" => changed(text("account"), text("deactivated"), text("active")),
        "UserErased" => changed(text("account"), text("there"), text("erased")),
        "UserDeactivated" => changed(text("account"), text("active"), text("deactivated")),
        "SuperuserGranted" => began("superuser", text("yes")),
        "SuperuserRevoked" => changed(text("superuser"), text("yes"), text("no")),
        "TokenIssued" => {
            let scopes = payload.get("scopes").and_then(Value::as_array);
            let scopes =
                scopes.map(|scopes| scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
            began("issued for", text(&scopes.unwrap_or_else(|| "all scopes".into())))
        }
        "TokenRevoked" => changed(text("token"), text("usable"), text("revoked")),
        "RolesDefined" => began("roles", text(&roles(payload))),
        _ => return None,
    })
}

/// What a person is called: the user name and the display name, as far as they changed.
fn renamed(payload: &Value) -> Told {
    let changes = [("user name", "username"), ("name", "name")];
    let changes = changes.iter().filter_map(|(words, name)| Some((*words, payload.get(name)?)));
    let (mut what, mut before, mut after) = (vec![], vec![], vec![]);
    for (words, change) in changes {
        what.push(words.to_owned());
        before.extend(field(change, "from"));
        after.extend(field(change, "to"));
    }
    let list = |texts: Vec<String>| if texts.is_empty() { vec![] } else { text(&texts.join(", ")) };
    changed(list(what), list(before), list(after))
}

/// The ids of the organization roles that are defined, lowest first.
fn roles(payload: &Value) -> String {
    let roles = payload.pointer("/content/org_role").and_then(Value::as_array);
    let ids = roles.into_iter().flatten().filter_map(|role| role.get("id")?.as_str());
    ids.collect::<Vec<_>>().join(" < ")
}

/// The kind of a thing, before its name, where the name alone does not say it.
pub(in crate::cli) fn kind(event: &ShownEvent) -> &'static str {
    match event.aggregate_type.as_str() {
        organization::TYPE => "organization ",
        team::TYPE => "team ",
        user::TYPE => "account ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use muster_events::event::Event;
    use serde_json::json;

    use super::{Piece, tell, text};

    #[test]
    fn every_type_of_event_is_told() {
        for (_, event_type, _) in Event::stored_types() {
            assert!(
                tell(event_type, &json!({})).is_some(),
                "say in told.rs what {event_type} means to a person"
            );
        }
    }

    #[test]
    fn a_change_has_a_before_and_an_after() {
        let told = tell("OrgRoleChanged", &json!({"from": "member", "to": "manager"})).unwrap();
        assert_eq!((told.what, told.before, told.after), (text("role"), text("member"), text("manager")));
        let cleared = json!({"team": "7", "was": "admin", "because_of_org_role": "manager"});
        let told = tell("TeamRoleCleared", &cleared).unwrap();
        assert_eq!(told.what, [Piece::Text("role on ".into()), Piece::Named("team", "7".into())]);
        assert_eq!(told.before, text("admin"));
    }
}
