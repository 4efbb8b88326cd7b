//! Carrying out a reaction: whom it concerns is asked of the read models, which have seen its cause by then; each of them
//! is a command of his own, which decides by the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use muster_events::{
    claims::ClaimKind,
    id::{MemberId, OrganizationId},
    member::PendingReason,
    organization::Organization,
    policies::Reaction,
    recorded::{Actor, ActorKind, RecordedEvent},
    stream::Position,
};
use muster_projections::{error::ViewError, members::concerned};
use thiserror::Error;

use crate::{
    blobs::{BlobError, BlobStore},
    ledger::{
        CommandMeta, ExecuteError, Executed, Failure, Ledger, Operation, Turn,
        operations::{ClearTeam, Enforce, RemoveErased, RemoveWithOrganization, RevokeSent, UnlinkSso},
    },
    store::StoreError,
    subscription::{LagError, ReadModels, ShiftError},
};

/// Commands of one reaction that are carried out at once: they share the commits of the log.
pub(super) const AT_ONCE: usize = 8;
/// How often a command is tried that is refused. What it is decided by may change in between.
const TRIES: usize = 3;
/// How long the read models may take to see what a reaction is about.
const VIEW_WAIT: Duration = Duration::from_secs(6);

/// Why the work does not go on for now.
#[derive(Debug, Error)]
pub(super) enum Pause {
    /// Because of the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Because of the read models.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// The read models have not come far enough.
    #[error(transparent)]
    Lag(#[from] LagError),
    /// Because of the pictures.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// Something cannot be read, or keys cannot be destroyed.
    #[error(transparent)]
    Ledger(#[from] Failure),
    /// A command cannot be carried out now.
    #[error(transparent)]
    Command(ExecuteError),
    /// Another process does the work.
    #[error("another process does the work")]
    Fenced,
}

impl From<ShiftError> for Pause {
    fn from(error: ShiftError) -> Self {
        match error {
            ShiftError::Store(error) => Self::Store(error),
            ShiftError::Fenced => Self::Fenced,
        }
    }
}

/// Carries out reactions.
#[derive(Debug)]
pub(super) struct Hands {
    pub(super) ledger: Arc<Ledger>,
    pub(super) read_models: ReadModels,
    pub(super) blobs: Arc<dyn BlobStore>,
    pub(super) passed: AtomicU64,
    pub(super) queues_letters: bool,
}

impl Hands {
    /// Does what follows from `cause`, until nobody is left whom it concerns.
    pub(super) async fn carry_out(&self, cause: &RecordedEvent, reaction: &Reaction) -> Result<(), Pause> {
        if *reaction == Reaction::DestroyKeys {
            return self.destroy_keys(cause).await;
        }
        let mut seen = cause.position;
        loop {
            self.wait_for(seen).await?;
            let concerned = self.concerned(reaction).await?;
            let each = stream::iter(concerned).map(|member| self.one(cause, reaction, member));
            let appended: Vec<_> = each.buffer_unordered(AT_ONCE).try_collect().await?;
            match appended.into_iter().flatten().max() {
                // Whoever came meanwhile is in the rows once these have seen the last append.
                Some(last) => seen = last,
                None => break,
            }
        }
        match *reaction {
            Reaction::RemoveEveryone { organization } => self.forget_picture(organization).await,
            Reaction::RemoveErased { user } => self.revoke_tokens(cause, reaction, user).await,
            _ => Ok(()),
        }
    }

    /// Removes the bytes of the picture of an organization that is gone; the history keeps its digest.
    async fn forget_picture(&self, organization: OrganizationId) -> Result<(), Pause> {
        let found = match self.ledger.state::<Organization>(&organization.into()).await {
            Ok(found) => found,
            // Like a command that cannot be decided: it stands in nobody's way.
            Err(Failure::Store(StoreError::Damaged(error))) => {
                tracing::error!(%organization, error, "the picture of an organization that is gone is still kept");
                return Ok(());
            }
            Err(failure) => return Err(failure.into()),
        };
        let Some(image) = &found.state.avatar.image else { return Ok(()) };
        Ok(self.blobs.remove(&image.uuid).await?)
    }

    /// Until the read models have seen `position`.
    pub(super) async fn wait_for(&self, position: Position) -> Result<(), LagError> {
        self.read_models.wait_for(position, VIEW_WAIT).await
    }

    async fn concerned(&self, reaction: &Reaction) -> Result<Vec<MemberId>, Pause> {
        let views = self.read_models.views();
        Ok(match *reaction {
            Reaction::RevokeSent { organization, inviter } => {
                concerned::sent_by(views, organization, inviter).await?
            }
            Reaction::ClearTeam { team, .. } => concerned::on_team(views, team).await?,
            Reaction::Enforce { organization, lack: PendingReason::NoSecondFactor, .. } => {
                concerned::without_second_factor(views, organization).await?
            }
            Reaction::Enforce { organization, lack: PendingReason::EmailNotVerified, .. } => {
                concerned::without_verified_email(views, organization).await?
            }
            Reaction::UnlinkSso { organization, .. } => concerned::linked(views, organization).await?,
            Reaction::RemoveEveryone { organization } => concerned::everyone(views, organization).await?,
            // By the log and not by the rows: nobody who was erased stays a member because a row cannot be shown.
            Reaction::RemoveErased { user } => {
                let (kind, user) = (ClaimKind::Membership, user.to_string());
                let held = self.ledger.store().claims_with_key(kind, &user, usize::MAX).await?;
                held.iter().filter_map(|held| held.holder.parse().ok()).collect()
            }
            Reaction::DestroyKeys => vec![],
        })
    }

    /// The position of what was appended for this member.
    async fn one(
        &self,
        cause: &RecordedEvent,
        reaction: &Reaction,
        member: MemberId,
    ) -> Result<Option<Position>, Pause> {
        let (meta, name, at) = (caused_by(cause, reaction.name()), reaction.name(), cause.recorded_at);
        match *reaction {
            Reaction::RevokeSent { organization, inviter } => {
                let lost = cause.stream.clone();
                self.ask(name, &RevokeSent { organization, member, inviter, lost, at }, &meta).await
            }
            Reaction::ClearTeam { organization, team } => {
                self.ask(name, &ClearTeam { organization, member, team }, &meta).await
            }
            Reaction::Enforce { organization, lack, requester } => {
                let enforce = Enforce { organization, member, lack, since: at, requester };
                self.ask(name, &enforce, &meta).await
            }
            Reaction::UnlinkSso { organization, ref provider } => {
                let (provider, before) = (provider.clone(), cause.position);
                self.ask(name, &UnlinkSso { organization, member, provider, before }, &meta).await
            }
            Reaction::RemoveEveryone { organization } => {
                self.ask(name, &RemoveWithOrganization { organization, member }, &meta).await
            }
            Reaction::RemoveErased { user } => self.ask(name, &RemoveErased { user, member }, &meta).await,
            Reaction::DestroyKeys => Ok(None),
        }
    }

    /// Asks the ledger; the position of what it appended. A command that keeps being refused is passed, so that it stands
    /// in nobody's way.
    pub(super) async fn ask<O: Operation>(
        &self,
        name: &'static str,
        operation: &O,
        meta: &CommandMeta,
    ) -> Result<Option<Position>, Pause> {
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.ledger.execute(operation, meta, Turn::unkeyed()).await {
                Ok(outcome) => {
                    let changed = outcome.done().filter(Executed::changed_anything);
                    if changed.is_some() {
                        metrics::counter!("muster_policy_commands_total", "policy" => name).increment(1);
                    }
                    return Ok(changed.map(|executed| executed.position));
                }
                Err(ExecuteError::Refused { .. }) if tries < TRIES => continue,
                Err(error) if error.is_final() => error,
                Err(error) => return Err(Pause::Command(error)),
            };
            tracing::error!(policy = name, ?operation, %error, "this will not be done");
            self.pass(name);
            return Ok(None);
        }
    }

    /// Counts what will not be done.
    pub(super) fn pass(&self, name: &'static str) {
        metrics::counter!("muster_policy_passed_total", "policy" => name).increment(1);
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}

/// By a policy, on behalf of whoever did what it answers: also where that was a policy itself.
pub(super) fn caused_by(cause: &RecordedEvent, policy: &str) -> CommandMeta {
    let actor = &cause.metadata.actor;
    let person = actor.on_behalf_of.clone().unwrap_or_else(|| Box::new(actor.clone()));
    let actor =
        Actor { id: Some(policy.into()), on_behalf_of: Some(person), ..Actor::only(ActorKind::Policy) };
    CommandMeta {
        correlation_id: cause.metadata.correlation_id.clone(),
        causation_id: Some(cause.event_id),
        ip: cause.metadata.ip.clone(),
        ..CommandMeta::by(actor)
    }
}
