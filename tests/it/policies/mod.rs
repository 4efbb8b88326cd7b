//! What follows from events by itself, and what falls due: behind a real server, in one process and in several.

mod cascade;
mod checkpoint;
mod erased;
mod expiry;
mod organization_deleted;
mod processes;
mod requirement;
mod single_sign_on;
mod team_deleted;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use muster::{
    clock::event_id,
    deployment::Deployment,
    ledger::{CommandMeta, Failure, Operation, Turn, Unit},
    policies::{Policies, Status},
    store::{Append, NewEvent, StoredEvent, StreamWrite},
};
use muster_events::{
    claims::claims_of,
    event::Event,
    id::OrganizationId,
    organization::{Organization, OrganizationCommand},
    recorded::{Actor, ActorKind, Metadata, RecordedEvent},
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use serde_json::json;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::support::{Client, World, WorldBuilder};

/// Within this everything that is awaited here has happened, also on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

/// Waits until one of these servers has done what follows from the events up to `position`.
async fn acted(servers: &[&Client], position: u64) {
    let reached = async {
        loop {
            for server in servers {
                let ready = server.get("/readyz").await.json();
                if ready["policies"]["position"].as_u64().is_some_and(|reached| reached >= position) {
                    return;
                }
            }
        }
    };
    assert!(timeout(LIMIT, reached).await.is_ok(), "nobody has come to position {position}");
}

/// A world behind a server that has begun: what is appended from here on has its consequences.
async fn served(builder: WorldBuilder) -> World {
    let world = builder.serve().await;
    world.anonymous().get("/healthz").await.expect(200);
    world
}

/// Read models and policies that are kept up by a process without a server.
struct Acting {
    running: [JoinHandle<()>; 2],
    status: watch::Receiver<Status>,
    stop: CancellationToken,
}

impl Acting {
    fn start(deployment: &Deployment) -> Self {
        let (runner, stop) = (deployment.runner(), CancellationToken::new());
        let (ledger, blobs) = (Arc::clone(&deployment.ledger), Arc::clone(&deployment.blobs));
        let policies = Policies::new(ledger, runner.read_models(), blobs);
        let status = policies.status();
        let running = [tokio::spawn(runner.run(stop.clone())), tokio::spawn(policies.run(stop.clone()))];
        Self { running, status, stop }
    }

    /// Waits until it has done what follows from the events up to `position`.
    async fn reached(&mut self, position: Position) {
        let reached =
            self.status.wait_for(|status| status.position.is_some_and(|reached| reached >= position));
        timeout(LIMIT, reached).await.unwrap().unwrap();
    }

    async fn stop(self) {
        self.stop.cancel();
        for task in self.running {
            task.await.unwrap();
        }
    }
}

/// Does what follows from all that is in a log without a server, as a process does that starts; says where the log ends
/// afterwards.
async fn act(deployment: &Deployment) -> u64 {
    let mut acting = Acting::start(deployment);
    loop {
        let head = deployment.ledger.store().head().await.unwrap().position;
        acting.reached(head).await;
        // What it appended itself is looked at, too.
        if deployment.ledger.store().head().await.unwrap().position == head {
            acting.stop().await;
            return head.0;
        }
    }
}

/// Appends an event as somebody's command whose endpoint is not what is tested.
async fn happens(
    deployment: &Deployment,
    organization: OrganizationId,
    stream: impl Into<StreamId>,
    event: impl Into<Event>,
    actor: Actor,
) -> u64 {
    let (stream, event, store) = (stream.into(), event.into(), deployment.ledger.store());
    let before = store.read_stream(&stream, Sequence::ZERO, 10_000).await.unwrap();
    let new = NewEvent {
        event_id: event_id(Timestamp::default()),
        organization: Some(organization),
        payload: event.encode().unwrap(),
        event: Arc::new(event.clone()),
        metadata: serde_json::to_string(&Metadata::by(actor.clone())).unwrap().into(),
        actor: Arc::new(actor),
    };
    let expected = before.last().map_or(Sequence::ZERO, |last| last.sequence);
    let claims = claims_of(&stream, Some(organization), &event);
    let write = StreamWrite { stream, expected, events: vec![new] };
    store.append(Append { writes: vec![write], claims, ..Append::default() }).await.unwrap().position.0
}

/// Switch a setting of an organization without a requester.
#[derive(Debug)]
struct Switch(OrganizationId, &'static str, bool);

#[async_trait]
impl Operation for Switch {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let command = OrganizationCommand::ChangeSettings {
            changes: vec![(self.1.into(), json!(self.2))],
            by_staff: false,
            roles: unit.roles().await?,
        };
        unit.decide::<Organization>(self.0, Some(self.0), vec![command]).await
    }
}

/// Somebody requires a second factor; the position of that.
async fn require_second_factor(deployment: &Deployment, organization: OrganizationId, actor: Actor) -> u64 {
    switch_by(deployment, Switch(organization, "require2FA", true), actor).await
}

/// A setting is changed by the ledger itself; the position of that.
async fn switch(deployment: &Deployment, operation: Switch) -> u64 {
    switch_by(deployment, operation, Actor::only(ActorKind::System)).await
}

async fn switch_by(deployment: &Deployment, operation: Switch, actor: Actor) -> u64 {
    let executed =
        deployment.ledger.execute(&operation, &CommandMeta::by(actor), Turn::unkeyed()).await.unwrap();
    executed.done().unwrap().position.0
}

/// The events after `position`.
async fn after(deployment: &Deployment, position: u64) -> Vec<RecordedEvent> {
    let events = deployment.ledger.store().read_all(Position(position), 10_000).await.unwrap();
    events.iter().map(|stored: &StoredEvent| stored.recorded().unwrap()).collect()
}

/// The stored types of the events after `position`, in the order of the alphabet: commands of one reaction have none.
async fn types_after(world: &World, position: u64) -> Vec<String> {
    let events = world.deployment.ledger.store().read_all(Position(position), 1_000).await.unwrap();
    let mut types: Vec<_> = events.into_iter().map(|event| event.event_type).collect();
    types.sort();
    types
}

/// Each of these says that a policy did it because of the event at `cause`, on behalf of `person`.
async fn assert_caused_by(deployment: &Deployment, events: &[RecordedEvent], cause: u64, person: &Actor) {
    let cause = after(deployment, cause - 1).await[0].event_id;
    for event in events {
        let metadata = &event.metadata;
        assert_eq!(metadata.actor.kind, ActorKind::Policy, "{event:?}");
        assert_eq!(metadata.actor.on_behalf_of.as_deref(), Some(person), "{event:?}");
        assert_eq!(metadata.causation_id, Some(cause), "{event:?}");
    }
}
