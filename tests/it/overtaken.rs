//! A command that another one overtakes while it is being decided is decided again, also when it changes nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use muster::ledger::{
    Caller, CommandMeta, Failure, Ledger, Operation, Outcome, Turn, Unit,
    operations::{UpdateMember, Updated},
};
use muster_events::{
    id::MemberId,
    member::{Member, MemberUpdate},
};

use crate::support::World;

/// A change of a member that looks at him, and is then overtaken by another one before it is decided.
#[derive(Debug)]
struct Overtaken {
    ledger: Arc<Ledger>,
    change: UpdateMember,
    meanwhile: UpdateMember,
    attempts: AtomicUsize,
}

async fn carry_out(ledger: &Ledger, operation: &impl Operation<Answer = Updated>) -> Updated {
    match ledger.execute(operation, &CommandMeta::system(), Turn::unkeyed()).await.unwrap() {
        Outcome::Done(executed) => executed.answer,
        Outcome::Replayed(repeated) => panic!("{repeated:?}"),
    }
}

#[async_trait]
impl Operation for Overtaken {
    type Answer = Updated;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Updated, Failure> {
        unit.read::<Member>(self.change.member).await?;
        if self.attempts.fetch_add(1, Ordering::SeqCst) == 0 {
            carry_out(&self.ledger, &self.meanwhile).await;
        }
        self.change.attempt(unit).await
    }
}

/// The role that `dana` has in the end, who is a member at first, and how often the change to `role` was decided that
/// another one to `between` overtook.
async fn overtake(role: &str, between: &str) -> (String, usize) {
    let world = World::acme().await;
    let ledger = Arc::clone(&world.deployment.ledger);
    let caller: Caller = ledger.identify("alice-token").await.unwrap().unwrap();
    let (organization, member): (_, MemberId) = (world.organization("acme"), world.member("acme", "dana"));
    let to = |role: &str| UpdateMember {
        caller,
        organization,
        member,
        if_match: None,
        address: None,
        changes: MemberUpdate {
            org_role: Some(role.into()),
            has_other_keys: true,
            ..MemberUpdate::default()
        },
    };
    let (change, meanwhile) = (to(role), to(between));
    let operation =
        Overtaken { ledger: Arc::clone(&ledger), change, meanwhile, attempts: AtomicUsize::new(0) };
    let updated = carry_out(&ledger, &operation).await;
    let before = updated.before.org_role.as_ref().map(|role| role.as_str().to_owned());
    assert_eq!(before.as_deref(), Some(between), "the answer shows a member of before the other change");
    let now = world.of("alice").get(&world.path("acme", "dana")).await.expect(200);
    (now.json()["orgRole"].as_str().unwrap().to_owned(), operation.attempts.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_change_rests_on_one_state_of_the_member() {
    assert_eq!(overtake("owner", "manager").await, ("owner".into(), 2));
}

/// What is there already when it looks is not there any more when it answers.
#[tokio::test]
async fn a_change_to_what_was_there_before_is_not_lost() {
    assert_eq!(overtake("member", "manager").await, ("member".into(), 2));
}

/// The other change is the same: nothing is left to do, and the answer shows the member after it.
#[tokio::test]
async fn a_change_that_somebody_else_has_made_meanwhile_shows_what_he_made() {
    assert_eq!(overtake("manager", "manager").await, ("manager".into(), 2));
}
