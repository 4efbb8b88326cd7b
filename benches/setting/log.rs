//! A log of many organizations: a long tail of sizes, and members of whom a few have thousands of events.

use std::{collections::BTreeMap, sync::Arc};

use muster::{
    clock::{Clock, SystemClock, event_id},
    store::{Append, NewEvent, Store, StreamWrite},
};
use muster_events::{
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{AssignedHow, MemberEvent, MemberFlag},
    organization::OrganizationEvent,
    personal::{Envelope, KeyedHash, Personal, PersonalText},
    recorded::{Actor, ActorKind, Metadata},
    roles::RoleId,
    stream::{Position, Sequence, StreamId},
    team::TeamEvent,
    user::UserEvent,
};

/// Events of one append.
const APPEND: usize = 1_000;

/// Makes a log.
pub(crate) struct Log {
    store: Arc<dyn Store>,
    actor: Arc<Actor>,
    metadata: Arc<str>,
    members: Vec<(MemberId, OrganizationId, u64)>,
    number: u64,
    random: u64,
}

impl Log {
    pub(crate) fn new(store: &Arc<dyn Store>) -> Self {
        let actor = Actor::only(ActorKind::System);
        let metadata = serde_json::to_string(&Metadata::by(actor.clone())).unwrap().into();
        let (store, actor) = (Arc::clone(store), Arc::new(actor));
        Self { store, actor, metadata, members: vec![], number: 1_000, random: 7 }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % end
    }

    /// Appends until the log has so many events.
    pub(crate) async fn grow(&mut self, events: u64) {
        let mut head = self.store.head().await.unwrap().position;
        while head < Position(events) {
            let wanted = usize::try_from(events - head.0).unwrap().min(APPEND);
            let mut writes: BTreeMap<StreamId, StreamWrite> = BTreeMap::new();
            let mut count = 0;
            while count < wanted {
                for write in self.some() {
                    count += write.events.len();
                    match writes.get_mut(&write.stream) {
                        Some(before) => before.events.extend(write.events),
                        None => drop(writes.insert(write.stream.clone(), write)),
                    }
                }
            }
            let writes = writes.into_values().collect();
            head = self.store.append(Append { writes, ..Append::default() }).await.unwrap().position;
        }
    }

    /// An organization with its members and teams now and then; mostly, members change.
    fn some(&mut self) -> Vec<StreamWrite> {
        // Two thousand in a million events.
        if self.members.is_empty() || self.below(445) == 0 {
            self.organization()
        } else {
            vec![self.change()]
        }
    }

    fn organization(&mut self) -> Vec<StreamWrite> {
        self.number += 1_000;
        let organization = OrganizationId::new(self.number).unwrap();
        let slug = format!("organization-{organization}");
        let created = OrganizationEvent::OrganizationCreated {
            slug,
            name: "An Organization".into(),
            default_role: role("member"),
        };
        let mut writes = vec![self.write(organization.into(), 0, organization, vec![created.into()])];
        let team = TeamId::new(self.number + 1).unwrap();
        let created =
            TeamEvent::TeamCreated { organization, slug: format!("team-{team}"), name: "A Team".into() };
        writes.push(self.write(team.into(), 0, organization, vec![created.into()]));
        // Most are small, a few are large.
        let size = 2 + 300 / (1 + self.below(100));
        for index in 0..size {
            let (user, member) = (
                UserId::new(self.number + 10 + index).unwrap(),
                MemberId::new(self.number + 500 + index).unwrap(),
            );
            let hash = KeyedHash(format!("{user:0>64}").into());
            let registered = UserEvent::UserRegistered {
                username: sealed("user", Some(hash.clone())),
                name: Some(sealed("a name", None)),
                email: sealed("address", Some(hash.clone())),
            };
            writes.push(self.write(user.into(), 0, organization, vec![registered.into()]));
            let added = MemberEvent::MemberAdded {
                organization,
                user,
                org_role: role("member"),
                addresses: vec![hash],
                ownership: None,
            };
            let assigned = MemberEvent::TeamAssigned { team, role: None, how: AssignedHow::Joined };
            writes.push(self.write(member.into(), 0, organization, vec![added.into(), assigned.into()]));
            self.members.push((member, organization, 2));
        }
        writes
    }

    fn change(&mut self) -> StreamWrite {
        // Few are changed again and again, the first of them most often.
        let most = self.members.len() as u64;
        let place = if self.below(4) == 0 {
            let of = 1 + self.below(most.min(200));
            self.below(of)
        } else {
            self.below(most)
        };
        let place = usize::try_from(place).unwrap();
        let (member, organization, sequence) = self.members[place];
        let is_even = sequence % 2 == 0;
        let team = TeamId::new(organization.get() + 1).unwrap();
        let admin = || Some(role("admin"));
        let flag = MemberFlag::MemberLimitRestricted;
        let event = match (member.get() % 4, is_even) {
            (0, true) => MemberEvent::TeamRoleChanged { team, from: None, to: admin() },
            (0, false) => MemberEvent::TeamRoleChanged { team, from: admin(), to: None },
            (1, true) => MemberEvent::MemberFlagSet { flag },
            (1, false) => MemberEvent::MemberFlagCleared { flag },
            (_, _) => {
                let (from, to) = if is_even { ("member", "manager") } else { ("manager", "member") };
                MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: None }
            }
        };
        let write = self.write(member.into(), sequence, organization, vec![event.into()]);
        self.members[place].2 += 1;
        write
    }

    fn write(
        &self,
        stream: StreamId,
        expected: u64,
        organization: OrganizationId,
        events: Vec<Event>,
    ) -> StreamWrite {
        let new = |event: Event| NewEvent {
            event_id: event_id(SystemClock.now()),
            organization: Some(organization),
            payload: event.encode().unwrap(),
            event: Arc::new(event),
            metadata: Arc::clone(&self.metadata),
            actor: Arc::clone(&self.actor),
        };
        StreamWrite { stream, expected: Sequence(expected), events: events.into_iter().map(new).collect() }
    }
}

fn role(name: &str) -> RoleId {
    RoleId::new(name).unwrap()
}

/// As long as what is really sealed.
fn sealed<T: PersonalText>(field: &str, hash: Option<KeyedHash>) -> Personal<T> {
    let key = "0123456789abcdef01234567".into();
    Personal::Sealed(Envelope { key, sealed_for: field.into(), sealed: "A".repeat(72), hash })
}
