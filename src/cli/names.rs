//! Names for ids: whom and what an id of the log means to a person. Read from the aggregates, so that it is never
//! behind the log.

use std::collections::HashMap;

use muster_events::{
    event::Event,
    id::{OrganizationId, UserId},
    letter::{self, Letter},
    member::{self, Member, MemberEvent},
    organization::{self, Organization},
    personal::{Personal, PersonalText},
    stream::{Sequence, StreamId},
    team::{self, Team},
    token::{self, ApiToken, TokenOwner},
    user::{self, User},
};

use crate::{
    history::{ShownEvent, UNREADABLE},
    ledger::Ledger,
    sealing::KeyRing,
};

/// Names that were looked up. Not kept for longer than one answer: people are erased.
#[derive(Debug)]
pub(super) struct Names<'a> {
    ledger: &'a Ledger,
    known: HashMap<StreamId, String>,
}

impl<'a> Names<'a> {
    /// The names in this ledger.
    pub(super) fn of(ledger: &'a Ledger) -> Self {
        Self { ledger, known: HashMap::new() }
    }

    /// A person: display name, else user name.
    pub(super) async fn user(&mut self, id: UserId) -> String {
        self.stream(&id.into()).await
    }

    /// An organization: its slug.
    pub(super) async fn organization(&mut self, id: OrganizationId) -> String {
        self.stream(&id.into()).await
    }

    /// Who asked for an event.
    pub(super) async fn actor(&mut self, event: &ShownEvent) -> String {
        let actor = event.actor();
        match actor.split_once(':') {
            Some(("user", id)) => self.stream(&StreamId::new(user::TYPE, id)).await,
            Some(("integration", id)) => {
                format!("integration of {}", self.stream(&StreamId::new(organization::TYPE, id)).await)
            }
            Some(_) | None => actor,
        }
    }

    /// What an event happened to.
    pub(super) async fn subject(&mut self, event: &ShownEvent) -> String {
        self.stream(&StreamId::new(&event.aggregate_type, &event.aggregate_id)).await
    }

    /// Whatever a stream is about. The id, where nothing better is known.
    pub(super) async fn stream(&mut self, stream: &StreamId) -> String {
        if let Some(name) = self.known.get(stream) {
            return name.clone();
        }
        let name = self.look_up(stream).await.unwrap_or_else(|| stream.aggregate_id.to_string());
        self.known.insert(stream.clone(), name.clone());
        name
    }

    async fn look_up(&self, stream: &StreamId) -> Option<String> {
        match stream.aggregate_type.as_str() {
            user::TYPE => self.account(stream).await,
            member::TYPE => {
                let member = self.ledger.state::<Member>(stream).await.ok()?.state;
                match (member.user, &member.email) {
                    (Some(user), _) => self.account(&user.into()).await,
                    (None, Some(email)) => Some(unsealed(self.ledger.keys(), email).await),
                    (None, None) => self.former_member(stream).await,
                }
            }
            organization::TYPE => {
                let found = self.ledger.state::<Organization>(stream).await.ok()?.state;
                found.exists().then(|| found.slug.clone())
            }
            team::TYPE => {
                let found = self.ledger.state::<Team>(stream).await.ok()?.state;
                found.organization.map(|_| found.slug.clone())
            }
            token::TYPE => {
                let owner = self.ledger.state::<ApiToken>(stream).await.ok()?.state.owner?;
                let owner: StreamId = match owner {
                    TokenOwner::User(user) => user.into(),
                    TokenOwner::Organization(organization) => organization.into(),
                };
                let name =
                    Box::pin(self.look_up(&owner)).await.unwrap_or_else(|| owner.aggregate_id.to_string());
                Some(format!("token of {name}"))
            }
            letter::TYPE => {
                let letter = self.ledger.state::<Letter>(stream).await.ok()?.state.letter.clone()?;
                let to = unsealed(self.ledger.keys(), &letter.email).await;
                Some(format!("{} to {to}", letter.kind))
            }
            muster_events::definitions::TYPE => Some("this deployment".into()),
            _ => None,
        }
    }

    /// Who is gone from the organization: the state has forgotten him, the first event of his stream has not.
    async fn former_member(&self, stream: &StreamId) -> Option<String> {
        let first = self.ledger.store().read_stream(stream, Sequence::ZERO, 1).await.ok()?.pop()?;
        match &*first.event().ok()? {
            Event::Member(MemberEvent::MemberAdded { user, .. }) => self.account(&(*user).into()).await,
            Event::Member(
                MemberEvent::MemberInvited { email, .. }
                | MemberEvent::InviteRequested { email, .. }
                | MemberEvent::JoinRequested { email, .. },
            ) => Some(unsealed(self.ledger.keys(), email).await),
            _ => None,
        }
    }

    async fn account(&self, stream: &StreamId) -> Option<String> {
        let found = self.ledger.state::<User>(stream).await.ok()?.state;
        let keys = self.ledger.keys();
        match (&found.name, &found.username) {
            (Some(name), _) => Some(unsealed(keys, name).await),
            (None, Some(username)) => Some(unsealed(keys, username).await),
            (None, None) => None,
        }
    }
}

/// The text of a personal value, `[erased]`, or [`UNREADABLE`].
pub(super) async fn unsealed<T: PersonalText>(keys: &KeyRing, value: &Personal<T>) -> String {
    match value {
        Personal::Open { value, .. } => value.as_text().to_owned(),
        Personal::Sealed(envelope) => match keys.unseal(envelope).await {
            Ok(unsealed) => unsealed.into_text(),
            Err(error) => {
                tracing::warn!(%error, "a sealed value cannot be read");
                UNREADABLE.into()
            }
        },
    }
}
