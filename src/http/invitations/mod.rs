//! `accept-invite/{member}/{token}/`, and the same with the organization in front: one endpoint per file.

pub(super) mod accept;
pub(super) mod look;

use muster_events::id::MemberId;

use crate::ledger::operations::{InvitationLink, ShownToken};

fn link(organization: Option<String>, member: &str, token: String) -> InvitationLink {
    InvitationLink { organization, member: member.parse::<MemberId>().ok(), token: ShownToken(token) }
}
