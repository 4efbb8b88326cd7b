//! Who may read a history, asked again before every page of it.

use async_trait::async_trait;
use muster_events::{id::MemberId, refusal::Refusal};

use crate::{
    history::{Sight, Viewer},
    http::{
        access::{self, Access},
        app::App,
        problem::Problem,
    },
};

/// Every member; what he may read is decided by [`may_read`].
const NEEDS: &[&str] = &["org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin"];

/// Somebody who reads the history of an organization, or of one member.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) app: App,
    pub(super) secret: String,
    pub(super) organization: String,
    pub(super) member: Option<String>,
}

/// What somebody may read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) access: Access,
    pub(super) member: Option<MemberId>,
    pub(super) sight: Sight,
}

impl Reader {
    /// What he may read now, or why nothing.
    pub(super) async fn enter(&self) -> Result<Reading, Problem> {
        let caller = self.app.ledger.identify(&self.secret).await?.ok_or_else(Problem::invalid_token)?;
        let access = access::enter_past(&self.app, &caller, &self.organization, NEEDS, false).await?;
        let member = self.member.as_deref().map(|member| access.member(member)).transpose()?;
        may_read(&access, member)?;
        let network_origin = access.scopes.contains("org:admin");
        Ok(Reading { access, member, sight: Sight { network_origin } })
    }
}

/// The history of an organization takes what audit logs take; a member reads his own.
fn may_read(access: &Access, member: Option<MemberId>) -> Result<(), Problem> {
    let own = access.requester.membership.as_ref().map(|(id, _)| *id);
    if access.scopes.any_of(&["org:write", "org:admin"]) || (member.is_some() && member == own) {
        Ok(())
    } else {
        Err(Refusal::NoPermission.into())
    }
}

#[async_trait]
impl Viewer for Reader {
    async fn sight(&self) -> Option<Sight> {
        self.enter().await.ok().map(|reading| reading.sight)
    }
}
