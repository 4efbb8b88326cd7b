//! Members without a second factor, when one becomes required (behaviour.md 7.5, D16, D35).

use std::collections::BTreeSet;

use async_trait::async_trait;
use muster::ledger::{
    CommandMeta, Failure, Operation, Turn, Unit,
    operations::{Enforce, RegisterUser},
};
use muster_events::{
    event::Event,
    id::{MemberId, OrganizationId},
    member::{InviteStatus, MemberEvent, PendingReason},
    organization::{Feature, Organization, OrganizationCommand},
    recorded::{Actor, ActorKind},
};
use serde_json::json;

use super::{Switch, acted, after, assert_caused_by, require_second_factor, served};
use crate::support::{World, WorldBuilder};

const MEMBERS: &str = "/api/0/organizations/acme/members/";

/// The organization `acme` with the owners olga, otto and `more`, and the members mia and tom. Only tom and those of
/// `more` have a second factor.
async fn builder(more: &[&str]) -> WorldBuilder {
    let mut world = WorldBuilder::new().await;
    for key in ["olga", "otto", "mia"] {
        world.person_with(key, |person| person.authenticators.clear()).await;
    }
    for key in ["tom"].iter().chain(more) {
        world.person(key).await;
    }
    world.person_with("root", |root| root.superuser = true).await;
    world.organization("acme", "olga", &["core"]).await;
    world.member("acme", "otto", "owner", &[]).await;
    world.member("acme", "mia", "member", &[("core", None)]).await;
    world.member("acme", "tom", "member", &[]).await;
    for key in more {
        world.member("acme", key, "owner", &[]).await;
    }
    world
}

/// Who returned to pending after `position`.
async fn returned(world: &World, position: u64) -> BTreeSet<MemberId> {
    let events = after(&world.deployment, position).await;
    let member = |event: &muster_events::recorded::RecordedEvent| {
        let Event::Member(MemberEvent::MemberReturnedToPending { reason, .. }) = &event.event else {
            panic!("{event:?}")
        };
        assert_eq!(*reason, PendingReason::NoSecondFactor);
        event.stream.aggregate_id.parse().unwrap()
    };
    events.iter().map(member).collect()
}

fn members(world: &World, keys: &[&str]) -> BTreeSet<MemberId> {
    keys.iter().map(|key| world.member("acme", key)).collect()
}

#[tokio::test]
async fn members_without_one_return_to_pending_and_the_requester_stays_when_no_owner_has_one() {
    let world = served(builder(&[]).await).await;
    let otto = Actor::user(world.user("otto"), None);
    let required = require_second_factor(&world.deployment, world.organization("acme"), otto.clone()).await;
    acted(&[&world.anonymous()], required).await;
    assert_eq!(returned(&world, required).await, members(&world, &["olga", "mia"]));
    let events = after(&world.deployment, required).await;
    assert_caused_by(&world.deployment, &events, required, &otto).await;
    let mia = world.of("root").get(&world.path("acme", "mia")).await.expect(200).json();
    assert_eq!((&mia["pending"], &mia["email"]), (&json!(true), &json!("mia@example.com")));
    assert_eq!((&mia["orgRole"], &mia["teams"]), (&json!("member"), &json!(["core"])));
    let otto = world.of("root").get(&world.path("acme", "otto")).await.expect(200).json();
    assert_eq!((&otto["pending"], &otto["isOnlyOwner"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn the_owner_of_longest_standing_stays_when_the_requester_is_none() {
    let world = served(builder(&[]).await).await;
    let root = Actor::user(world.user("root"), None);
    let required = require_second_factor(&world.deployment, world.organization("acme"), root).await;
    acted(&[&world.anonymous()], required).await;
    assert_eq!(returned(&world, required).await, members(&world, &["otto", "mia"]));
}

#[tokio::test]
async fn nobody_stays_without_one_where_another_owner_has_one() {
    let world = served(builder(&["ada"]).await).await;
    let otto = Actor::user(world.user("otto"), None);
    let required = require_second_factor(&world.deployment, world.organization("acme"), otto).await;
    acted(&[&world.anonymous()], required).await;
    assert_eq!(returned(&world, required).await, members(&world, &["olga", "otto", "mia"]));
}

/// What is asked of a member long after its cause does nothing when that does not hold any more.
#[tokio::test]
async fn a_requirement_that_was_lifted_meanwhile_returns_nobody() {
    let world = served(builder(&[]).await).await;
    let (ledger, before) = (&world.deployment.ledger, world.head().await);
    let enforce = |requester| Enforce {
        organization: world.organization("acme"),
        member: world.member("acme", "mia"),
        lack: PendingReason::NoSecondFactor,
        since: ledger.clock().now(),
        requester,
    };
    let meta = CommandMeta::by(Actor::only(ActorKind::Policy));
    let executed = ledger.execute(&enforce(None), &meta, Turn::unkeyed()).await.unwrap().done().unwrap();
    assert!(!executed.changed_anything());
    assert_eq!(world.head().await, before);
}

/// behaviour.md D32: nothing imported has consequences.
#[tokio::test]
async fn an_imported_requirement_returns_nobody() {
    let world = served(builder(&[]).await).await;
    let import = Actor::only(ActorKind::Import);
    let required = require_second_factor(&world.deployment, world.organization("acme"), import).await;
    acted(&[&world.anonymous()], required).await;
    assert_eq!(world.head().await, required);
}

fn account(world: &World, key: &str) -> String {
    format!("/api/0/users/{}/", world.user(key))
}

/// A superuser requires a second factor, and everything that follows has happened; the position of the requirement.
async fn required_by_root(world: &World) -> u64 {
    let root = Actor::user(world.user("root"), None);
    let required = require_second_factor(&world.deployment, world.organization("acme"), root).await;
    acted(&[&world.anonymous()], required).await;
    required
}

#[tokio::test]
async fn who_became_an_owner_while_he_could_not_act_is_one_since_he_can() {
    let world = served(builder(&[]).await).await;
    let (root, mia) = (world.of("root"), account(&world, "mia"));
    root.put(&mia, &json!({"active": false})).await.expect(200);
    root.put(&world.path("acme", "mia"), &json!({"orgRole": "owner"})).await.expect(200);
    root.put(&mia, &json!({"active": true})).await.expect(200);
    for owner in ["olga", "otto"] {
        root.delete(&world.path("acme", owner)).await.expect(204);
    }
    let required = required_by_root(&world).await;
    assert_eq!(returned(&world, required).await, BTreeSet::new(), "mia is the only owner");
}

#[tokio::test]
async fn an_account_that_could_not_be_used_meanwhile_stands_as_an_owner_since_it_can() {
    let world = served(builder(&[]).await).await;
    let (root, olga) = (world.of("root"), account(&world, "olga"));
    root.put(&olga, &json!({"active": false})).await.expect(200);
    root.put(&olga, &json!({"active": true})).await.expect(200);
    let required = required_by_root(&world).await;
    assert_eq!(returned(&world, required).await, members(&world, &["olga", "mia"]));
}

#[tokio::test]
async fn an_owner_who_returned_to_pending_counts_as_an_owner_no_more() {
    let world = served(builder(&[]).await).await;
    let (root, mia) = (world.of("root"), account(&world, "mia"));
    root.put(&mia, &json!({"active": false})).await.expect(200);
    root.put(&world.path("acme", "mia"), &json!({"orgRole": "owner"})).await.expect(200);
    root.put(&mia, &json!({"active": true})).await.expect(200);
    let required = required_by_root(&world).await;
    assert_eq!(returned(&world, required).await, members(&world, &["otto", "mia"]));
    root.put(&account(&world, "olga"), &json!({"active": false})).await.expect(403);
}

#[tokio::test]
async fn who_returns_is_invited_by_the_first_of_his_addresses_that_stands_for_nobody_else() {
    let mut builder = builder(&[]).await;
    builder.pending("acme", "ivan", InviteStatus::Approved, Some("olga")).await;
    let zoes = ["ivan@example.com", "zoe@example.com"].map(|email| (email.to_owned(), true));
    let zoe = |zoe: &mut RegisterUser| (zoe.emails, zoe.authenticators) = (zoes.into(), vec![]);
    builder.person_with("zoe", zoe).await;
    let world = served(builder).await;
    let invited = json!({"email": "zoe@example.com", "orgRole": "member"});
    let invited = world.of("olga").post(MEMBERS, &invited).await.expect(201).json();
    let zoe = invited["id"].as_str().unwrap().parse().unwrap();
    let token = world.deployment.ledger.keys().invitation_token(zoe, 1);
    world.of("zoe").post(&format!("/api/0/accept-invite/{zoe}/{token}/"), &json!({})).await.expect(204);
    let required = required_by_root(&world).await;
    let pending = members(&world, &["otto", "mia"]).into_iter().chain([zoe]);
    assert_eq!(returned(&world, required).await, pending.collect());
    let zoe = world.of("root").get(&format!("{MEMBERS}{zoe}/")).await.expect(200).json();
    assert_eq!((&zoe["pending"], &zoe["email"]), (&json!(true), &json!("zoe@example.com")));
}

const ACME: &str = "/api/0/organizations/acme/";

/// `acme` that can require verified addresses, where only mia's is not.
async fn with_verification() -> World {
    let mut builder = WorldBuilder::new().await;
    builder.person("olga").await;
    builder.person_with("mia", |mia| mia.emails[0].1 = false).await;
    builder.person_with("root", |root| root.superuser = true).await;
    builder.organization("acme", "olga", &[]).await;
    builder.member("acme", "mia", "member", &[]).await;
    let world = served(builder).await;
    switch_verification(&world, true).await;
    world
}

async fn switch_verification(world: &World, on: bool) {
    let body = json!({"features": {"required-email-verification": on}});
    world.of("root").put(&format!("{ACME}administration/"), &body).await.expect(200);
}

#[tokio::test]
async fn members_whose_address_is_not_verified_return_to_pending_and_the_audit_log_tells_who_required_it() {
    let world = with_verification().await;
    let olga = world.of("olga");
    let required = olga.put(ACME, &json!({"requireEmailVerification": true})).await.expect(200).position();
    acted(&[&world.anonymous()], required).await;
    let events = after(&world.deployment, required).await;
    let [returned] = &*events else { panic!("{events:?}") };
    let reason = PendingReason::EmailNotVerified;
    let Event::Member(MemberEvent::MemberReturnedToPending { reason: found, .. }) = &returned.event else {
        panic!("{returned:?}")
    };
    assert_eq!((returned.stream.clone(), *found), (world.member("acme", "mia").into(), reason));
    let log = olga.get(&format!("{ACME}audit-logs/?event=member.pending")).await.expect(200).json();
    let row = &log["rows"][0];
    assert_eq!(row["note"], json!("required member mia@example.com to verify their email address"));
    assert_eq!(row["actor"]["id"], json!(world.user("olga").to_string()));
    assert_eq!(row["ipAddress"], json!("127.0.0.1"));
    assert_eq!(row["targetObject"]["id"], json!(world.organization("acme").to_string()));
    assert_eq!(row["targetUser"]["id"], json!(world.user("mia").to_string()));
}

/// Switch the feature of `acme`.
#[derive(Debug)]
struct SwitchFeature(OrganizationId, bool);

#[async_trait]
impl Operation for SwitchFeature {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let feature = Feature::RequiredEmailVerification;
        let command = OrganizationCommand::SetFeature { feature, on: self.1 };
        unit.decide::<Organization>(self.0, Some(self.0), vec![command]).await
    }
}

#[tokio::test]
async fn verified_addresses_are_required_only_while_the_organization_has_the_feature() {
    let mut builder = WorldBuilder::new().await;
    builder.person("olga").await;
    builder.person_with("mia", |mia| mia.emails[0].1 = false).await;
    let organization = builder.organization("acme", "olga", &[]).await;
    let member = builder.member("acme", "mia", "member", &[]).await;
    let ledger = &builder.deployment().ledger;
    let meta = CommandMeta::by(Actor::only(ActorKind::Policy));
    let on = SwitchFeature(organization, true);
    ledger.execute(&on, &meta, Turn::unkeyed()).await.unwrap();
    let required = Switch(organization, "requireEmailVerification", true);
    ledger.execute(&required, &meta, Turn::unkeyed()).await.unwrap();
    let (lack, since) = (PendingReason::EmailNotVerified, ledger.clock().now());
    for on in [false, true] {
        ledger.execute(&SwitchFeature(organization, on), &meta, Turn::unkeyed()).await.unwrap();
        let enforce = Enforce { organization, member, lack, since, requester: None };
        let executed = ledger.execute(&enforce, &meta, Turn::unkeyed()).await.unwrap().done().unwrap();
        assert_eq!(executed.changed_anything(), on);
    }
}
