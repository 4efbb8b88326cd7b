//! The events that led to a change.

use std::collections::BTreeMap;

use muster_events::{
    id::{OrganizationId, UserId},
    organization::{self, Setting},
    stream::{Position, StreamId},
};
use muster_projections::members;
use serde::Serialize;
use serde_json::Value;

use crate::{
    history::{
        History,
        past::{Past, PastError},
    },
    store::{LogQuery, StoreError, StoredEvent},
};

/// Events that are read at once.
const PAGE: usize = 1_000;
/// Streams that are asked for at once.
const STREAMS: usize = 200;
/// What can happen to an account that changes its memberships.
const OF_ACCOUNTS: [&str; 3] = ["UserDeactivated", "UserReactivated", "UserErased"];

/// One of the events that led to a change.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// Its place in the log.
    pub position: Position,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When.
    pub recorded_at: muster_events::time::Timestamp,
    /// Who asked.
    pub actor: Value,
    /// Of an event of the organization, to know which field it is about.
    #[serde(skip)]
    payload: Value,
}

/// By stream, oldest first.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<StreamId, Vec<Cause>>);

impl Causes {
    /// Those of this stream.
    pub(super) fn of(&self, stream: &StreamId) -> Vec<Cause> {
        self.0.get(stream).cloned().unwrap_or_default()
    }

    /// The ids of the streams of this kind.
    pub(super) fn ids<T: std::str::FromStr + Ord>(&self, kind: &str) -> Vec<T> {
        let of_kind = self.0.keys().filter(|stream| stream.aggregate_type == kind);
        let mut ids: Vec<T> = of_kind.filter_map(|stream| stream.aggregate_id.parse().ok()).collect();
        ids.sort();
        ids
    }
}

impl History {
    /// What happened in the organization between the two, and to the accounts of its members, which is told of these.
    pub(super) async fn causes(
        &self,
        organization: OrganizationId,
        before: &Past,
        after: &Past,
    ) -> Result<Causes, PastError> {
        let (from, to) = (before.at.position, after.at.position);
        let between = LogQuery { after: Some(from), up_to: Some(to), limit: PAGE, ..LogQuery::default() };
        let mut causes = Causes::default();
        let of_organization = LogQuery { organization: Some(organization), ..between.clone() };
        self.add(of_organization, &mut causes).await?;
        let mut accounts = Causes::default();
        let people: Vec<UserId> = before.people.union(&after.people).copied().collect();
        for people in people.chunks(STREAMS) {
            let streams = people.iter().map(|user| StreamId::from(*user)).collect();
            let types = OF_ACCOUNTS.map(String::from).into();
            self.add(LogQuery { streams, types, ..between.clone() }, &mut accounts).await?;
        }
        for user in accounts.ids::<UserId>(muster_events::user::TYPE) {
            let mut ids = members::concerned::of_account(&before.views, organization, user).await?;
            ids.extend(members::concerned::of_account(&after.views, organization, user).await?);
            ids.sort();
            ids.dedup();
            for id in ids {
                let told = causes.0.entry(id.into()).or_default();
                told.extend(accounts.of(&user.into()));
                told.sort_by_key(|cause| cause.position);
            }
        }
        Ok(causes)
    }

    async fn add(&self, mut query: LogQuery, causes: &mut Causes) -> Result<(), StoreError> {
        loop {
            let events = self.store.query(query.clone()).await?;
            for stored in &events {
                causes.0.entry(stored.stream.clone()).or_default().push(Cause::of(stored));
            }
            match events.last() {
                Some(last) if events.len() == query.limit => query.after = Some(last.position),
                _ => return Ok(()),
            }
        }
    }
}

impl Cause {
    /// Nothing that is told of it is sealed, and so no key is asked for.
    pub(super) fn of(stored: &StoredEvent) -> Self {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let is_field = stored.stream.aggregate_type == organization::TYPE;
        Self {
            position: stored.position,
            event_type: stored.event_type.clone(),
            recorded_at: stored.recorded_at,
            actor: parsed(&stored.metadata)["actor"].take(),
            payload: if is_field { parsed(&stored.payload) } else { Value::Null },
        }
    }

    /// Whether this event of an organization is about this field of it.
    pub(super) fn touches(&self, field: &str) -> bool {
        let named = |key: &str| self.payload[key].as_str();
        match self.event_type.as_str() {
            "OrganizationCreated" | "OrganizationDeleted" => true,
            "OrganizationRenamed" => field == "name",
            "OrganizationSlugChanged" => field == "slug",
            "DefaultRoleChanged" => field == "defaultRole",
            "AvatarChanged" => field == "avatar",
            "SsoEnabled" | "SsoChanged" | "SsoDisabled" => field == "sso",
            "DeletionScheduled" | "DeletionCancelled" => field == "deletionDue",
            "TwoFactorRequired" | "TwoFactorRequirementLifted" => field == "require2FA",
            "EmailVerificationRequired" | "EmailVerificationRequirementLifted" => {
                field == "requireEmailVerification"
            }
            "FeatureSet" => named("feature") == Some(field),
            "OrganizationOptionChanged" => named("option") == Some(field),
            "OrganizationFlagChanged" => {
                let setting = named("flag").and_then(Setting::by_stored);
                setting.is_some_and(|setting| setting.field == field)
            }
            _ => false,
        }
    }
}
