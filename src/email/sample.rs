//! What a letter may say, made up: for previews, and to try templates before the first letter.

use muster_events::letter::LetterKind;

use super::content::{Content, Deletion, Who};

/// What a letter of this kind may say, with everything that it can say.
pub fn sample(kind: LetterKind) -> Content {
    use LetterKind as K;
    let base_url = "https://members.example.com".to_owned();
    let who = |name: &str, username: &str| Who {
        name: name.into(),
        email: format!("{username}@example.com"),
        username: Some(username.into()),
    };
    let is_invitation = matches!(kind, K::Invitation | K::SecondFactor | K::VerifyEmail);
    let is_of_team = matches!(kind, K::TeamAccessRequest | K::TeamAccessApproved);
    let is_request = matches!(kind, K::InviteRequest | K::JoinRequest);
    let is_of_sso = matches!(kind, K::SsoLink | K::SsoDisabled);
    let path = if is_invitation { "/accept/42/0123456789abcdef/" } else { "/settings/acme/" };
    Content {
        product_name: "muster".into(),
        url: format!("{base_url}{path}"),
        recipient: "mia@example.com".into(),
        organization: "Acme & Sons".into(),
        actor: Some(who("Alice Adams", "alice")),
        member: (is_of_team || is_request).then(|| who("Bob Brown", "bob")),
        team: is_of_team.then(|| "core".into()),
        provider: is_of_sso.then(|| "okta".into()),
        expires: is_invitation.then(|| "2026-12-24 10:00 UTC".into()),
        settings_link: (kind == K::JoinRequest).then(|| format!("{base_url}/settings/acme/")),
        deletion: (kind == K::Deletion).then(|| Deletion {
            asked_at: "2026-11-24 10:00 UTC".into(),
            due_at: "2026-12-01 10:00 UTC".into(),
            user_ip_address: Some("192.0.2.7".into()),
        }),
        base_url,
    }
}
