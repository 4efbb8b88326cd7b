//! The only line of contact with cqrs-es: an aggregate of ours as one of its, and its event store as a stage on
//! which a unit of work collects what is to be appended.
//!
//! The framework loads, lets the aggregate handle the commands, and commits. Its own queries, snapshots and
//! replay are not used: they run in-process after the commit, without a checkpoint.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use cqrs_es::{
    AggregateContext, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, EventStore,
    event_sink::EventSink,
};
use muster_events::{aggregate::Aggregate, event::Event, refusal::Refusal, time::Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

/// An event as cqrs-es carries it. Written down as what the log's columns hold.
#[derive(Debug, Clone, PartialEq)]
struct Carried {
    aggregate_type: &'static str,
    event: Event,
}

#[derive(Serialize, Deserialize)]
struct Written {
    aggregate_type: String,
    event_type: String,
    schema_version: u32,
    payload: serde_json::Value,
}

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let payload =
            self.event.encode().and_then(|text| serde_json::from_str(&text)).map_err(S::Error::custom)?;
        Written {
            aggregate_type: self.aggregate_type.into(),
            event_type: self.event.event_type().into(),
            schema_version: self.event.schema_version(),
            payload,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let Written { aggregate_type, event_type, schema_version, payload } = written;
        let event = Event::decode(&aggregate_type, &event_type, schema_version, &payload.to_string())
            .map_err(D::Error::custom)?;
        let known =
            Event::stored_types().map(|(aggregate, ..)| aggregate).find(|known| *known == aggregate_type);
        Ok(Self { aggregate_type: known.ok_or_else(|| D::Error::custom("unknown aggregate type"))?, event })
    }
}

impl DomainEvent for Carried {
    fn event_type(&self) -> String {
        self.event.event_type().into()
    }

    fn event_version(&self) -> String {
        self.event.schema_version().to_string()
    }
}

/// An aggregate of ours, as cqrs-es wants it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound = "")]
struct Folded<A: Aggregate> {
    state: A,
    now: Timestamp,
}

impl<A: Aggregate> cqrs_es::Aggregate for Folded<A> {
    const TYPE: &'static str = A::TYPE;
    type Command = Vec<A::Command>;
    type Event = Carried;
    type Error = Refusal;
    type Services = ();

    /// Decides the commands in order, each on the state that the ones before it led to: all or none.
    async fn handle(
        &mut self,
        commands: Vec<A::Command>,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refusal> {
        for command in commands {
            for event in self.state.decide(command)? {
                sink.write(Carried { aggregate_type: A::TYPE, event: event.into() }, self).await;
            }
        }
        Ok(())
    }

    fn apply(&mut self, carried: Carried) {
        if let Some(event) = A::event_of(&carried.event) {
            self.state.evolve(event, self.now);
        }
    }
}

/// The stage: holds the state that was loaded, and takes what is committed.
struct Stage<A: Aggregate> {
    loaded: Folded<A>,
    committed: Arc<Mutex<Vec<Event>>>,
}

struct Loaded<A: Aggregate>(Folded<A>);

impl<A: Aggregate> AggregateContext<Folded<A>> for Loaded<A> {
    fn aggregate(&mut self) -> &mut Folded<A> {
        &mut self.0
    }
}

impl<A: Aggregate> EventStore<Folded<A>> for Stage<A> {
    type AC = Loaded<A>;

    async fn load_events(&self, _id: &str) -> Result<Vec<EventEnvelope<Folded<A>>>, AggregateError<Refusal>> {
        Ok(vec![])
    }

    async fn load_aggregate(&self, _id: &str) -> Result<Loaded<A>, AggregateError<Refusal>> {
        Ok(Loaded(self.loaded.clone()))
    }

    async fn commit(
        &self,
        events: Vec<Carried>,
        _context: Loaded<A>,
        _metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Folded<A>>>, AggregateError<Refusal>> {
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        committed.extend(events.into_iter().map(|carried| carried.event));
        Ok(vec![])
    }
}

/// Lets cqrs-es run `commands` on `state`; what it would have stored comes back.
pub(super) async fn handle<A: Aggregate>(
    id: &str,
    state: &A,
    commands: Vec<A::Command>,
    now: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let committed = Arc::default();
    let over = Stage { loaded: Folded { state: state.clone(), now }, committed: Arc::clone(&committed) };
    let framework = CqrsFramework::new(over, vec![], ());
    match framework.execute(id, commands).await {
        Ok(()) => Ok(std::mem::take(&mut *committed.lock().unwrap_or_else(PoisonError::into_inner))),
        Err(AggregateError::UserError(refusal)) => Err(refusal),
        Err(other) => unreachable!("the stage has no way to fail: {other}"),
    }
}
