//! Queuing letters: whom a notice is for is asked of the read models, which have seen its cause by then.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use muster_events::{
    letter::{Audience, Notice, Recipient, Standing, letters, notices},
    organization::Organization,
    personal::{EmailAddress, Personal},
    recorded::RecordedEvent,
};
use muster_projections::letters::recipients::{self, Candidate};

use super::carry_out::{AT_ONCE, Hands, Pause, caused_by};
use crate::{
    ledger::{Failure, operations::QueueLetter},
    store::StoreError,
};

/// What queues letters, among the policies.
pub(super) const LETTERS: &str = "letters";

impl Hands {
    /// The letters that an event asks for.
    pub(super) fn notices(&self, cause: &RecordedEvent) -> Vec<Notice> {
        if self.queues_letters { notices(cause) } else { vec![] }
    }

    /// Queues the letters of a notice. Each is queued once, however often this is done.
    pub(super) async fn queue(&self, cause: &RecordedEvent, notice: &Notice) -> Result<(), Pause> {
        self.wait_for(cause.position).await?;
        let recipients = match self.recipients(notice).await {
            Ok(recipients) => recipients,
            // Like a command that cannot be decided: it stands in nobody's way.
            Err(Pause::Ledger(Failure::Store(StoreError::Damaged(error)))) => {
                let kind = notice.kind.name();
                tracing::error!(position = cause.position.0, kind, error, "letters will not be queued");
                self.pass(LETTERS);
                return Ok(());
            }
            Err(pause) => return Err(pause),
        };
        let meta = caused_by(cause, LETTERS);
        let each = letters(cause, notice, recipients).into_iter().map(|(id, letter)| {
            let (meta, kind) = (&meta, letter.kind.name());
            async move {
                let queued = self.ask(LETTERS, &QueueLetter { id, letter }, meta).await?;
                if queued.is_some() {
                    metrics::counter!("muster_letters_queued_total", "kind" => kind).increment(1);
                }
                Ok::<_, Pause>(())
            }
        });
        stream::iter(each).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn recipients(&self, notice: &Notice) -> Result<Vec<(Recipient, Personal<EmailAddress>)>, Pause> {
        let views = self.read_models.views();
        let team = match notice.audience {
            Audience::Of(member) => {
                return Ok(recipients::of(views, member).await?.map(addressed).into_iter().collect());
            }
            Audience::WhoMayPutOn(team) => Some(team),
            Audience::Everybody | Audience::Owners | Audience::WhoMayLetIn => None,
        };
        let mut found = recipients::with_account(views, notice.organization, team).await?;
        let roles = self.ledger.look().roles().await?;
        let organization = self.ledger.state::<Organization>(&notice.organization.into()).await?.state;
        found.retain(|candidate| {
            let on_team = candidate.is_on_team.then_some(candidate.team_role.as_ref());
            let standing = Standing { org_role: &candidate.org_role, on_team };
            notice.audience.includes(standing, &organization, &roles)
        });
        Ok(found.into_iter().map(addressed).collect())
    }
}

fn addressed(candidate: Candidate) -> (Recipient, Personal<EmailAddress>) {
    let to = candidate.user.map_or(Recipient::Invitee(candidate.member), Recipient::User);
    (to, candidate.email)
}
