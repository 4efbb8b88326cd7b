//! What templates can name: of each kind of letter the variables of behaviour.md section 10 under the names there, and a
//! few beside them. A template that names what a letter of its kind does not have fails.
//!
//! Of each kind: `product_name`, `base_url`, `recipient` (the address that the letter goes to), `organization` (its name),
//! `url` (where the recipient does what the letter asks for) and `actor_email` (of the person who did what it tells of).
//! What may be missing is none: everything of an actor (a policy may have acted on nobody's behalf, or the person was
//! erased), `expires`, and what nobody here can know: whether somebody has a password is known to the login service alone,
//! so that `has_password` and `set_password_url` are none, and `recover_url` is where a password is set either way.

use minijinja::{Value, context};
use muster_events::letter::LetterKind;

use super::Content;

/// The variables of a letter of this kind, by name.
pub(super) fn variables(kind: LetterKind, content: &Content) -> Value {
    let Content { product_name, base_url, recipient, organization, url, .. } = content;
    let Content { actor, member, team, provider, expires, settings_link, deletion, .. } = content;
    let actor_email = actor.as_ref().map(|actor| &actor.email);
    let actor_name = actor.as_ref().map(|actor| &actor.name);
    let (name, email) = member.as_ref().map(|member| (&member.name, &member.email)).unzip();
    let own = match kind {
        LetterKind::Invitation => context! { email => recipient, inviter_name => actor_name, expires },
        LetterKind::SsoLink => context! { email => recipient, provider },
        LetterKind::SsoDisabled => context! {
            email => recipient,
            provider,
            recover_url => format!("{base_url}/account/recover/"),
            has_password => (),
            set_password_url => (),
        },
        LetterKind::SecondFactor => context! { email => recipient, expires },
        LetterKind::VerifyEmail => context! {
            email => recipient,
            confirm_url => format!("{base_url}/account/confirm-email/"),
            invite_url => url,
            expires,
        },
        LetterKind::TeamAccessRequest => context! { email, name, team, requester => actor_name },
        LetterKind::TeamAccessApproved => context! { email, name, team },
        LetterKind::InviteRequest => context! {
            email,
            organization_name => organization,
            pending_requests_link => url,
            inviter_name => actor_name,
        },
        LetterKind::JoinRequest => context! {
            email,
            organization_name => organization,
            pending_requests_link => url,
            settings_link,
        },
        LetterKind::Deletion => context! {
            username => actor.as_ref().and_then(|actor| actor.username.as_ref()),
            user_ip_address => deletion.as_ref().and_then(|deletion| deletion.user_ip_address.as_ref()),
            deletion_datetime => deletion.as_ref().map(|deletion| &deletion.asked_at),
            eta => deletion.as_ref().map(|deletion| &deletion.due_at),
        },
    };
    context! { product_name, base_url, recipient, organization, url, actor_email, ..own }
}
