//! Generations that are built beside the living one, and take its place.

use std::time::Duration;

use muster_events::{
    stream::{Position, Sequence, StreamId},
    team,
};

use super::{
    LOG, Lab, Log, TestViews,
    apply::{NAMES, NAMES_OF_TEAMS, names, teams},
    email, hash, id, on_every_database, sealed,
    splits::log_of,
    username,
};
use crate::{
    all,
    projection::{LogEntry, Projection},
    users,
    views::{Building, Claim, Saved, State, Switched, Views},
};

on_every_database! {
    given_a_log_then_what_is_built_anew_is_what_was_kept_up_to_date
    given_saves_that_are_cut_off_then_the_rows_are_the_same_in_the_end
    given_a_builder_then_another_one_is_refused_until_that_one_is_gone
    given_a_row_that_the_database_refuses_then_its_stream_is_set_aside_as_in_the_living_rows
    given_an_event_that_cannot_be_taken_then_it_is_set_aside_as_in_the_living_rows
    given_a_switch_then_the_old_rows_are_kept_and_can_be_gone_back_to
    given_events_after_the_following_then_both_generations_take_them
    given_rows_behind_the_living_ones_then_they_do_not_take_their_place
}

pub(super) async fn claimed(views: &Views, projection: &'static Projection, builder: &str) -> Building {
    match views.building(projection, LOG, builder).await.unwrap() {
        Claim::Ours(building) => *building,
        Claim::Busy(busy) => panic!("{busy:?}"),
    }
}

pub(super) fn end(entries: &[LogEntry]) -> Position {
    entries.last().map_or(Position::ZERO, |last| last.position)
}

pub(super) async fn saved(views: &Views, building: &mut Building) {
    let outcome = views.save(building).await.unwrap();
    assert!(matches!(outcome, Saved::Saved), "{outcome:?}");
}

/// Everything, in two parts.
async fn built(views: &Views, projection: &'static Projection, entries: &[LogEntry]) -> Building {
    let mut building = claimed(views, projection, "one").await;
    for part in [&entries[..entries.len() / 2], entries] {
        building.take(part, end(part));
        saved(views, &mut building).await;
    }
    building
}

pub(super) async fn switched(views: &Views, building: &mut Building, entries: &[LogEntry]) {
    views.index(building).await.unwrap();
    assert_eq!(views.follow(building, entries, end(entries)).await.unwrap(), Switched::Done);
    assert_eq!(views.switch(building).await.unwrap(), Switched::Done);
}

/// A log in which everything meets everything.
fn long_log() -> Log {
    let mut number = 7_u32;
    let mut next = || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    };
    let choices: Vec<_> = (0..600).map(|_| [next(), next(), next(), next()]).collect();
    log_of(&choices)
}

async fn given_a_log_then_what_is_built_anew_is_what_was_kept_up_to_date(lab: &Lab) {
    let log = long_log();
    let (test, entries) = (TestViews::of(lab, &log).await, log.entries());
    for projection in all() {
        let mut building = built(&test.views, projection, &entries).await;
        test.views.index(&building).await.unwrap();
        assert_eq!(test.views.follow(&mut building, &[], Position::ZERO).await.unwrap(), Switched::Done);
        let compared = test.views.compare(&building).await.unwrap().unwrap();
        assert!(compared.living.is_same(&compared.built), "{compared:?}");
        assert_eq!(compared.living.whole(), compared.built.whole());
        assert_eq!(test.views.switch(&building).await.unwrap(), Switched::Done);
    }
    test.assert_same_as(&log.in_memory(1)).await;
    let prepared = test.views.prepare(&all(), LOG).await.unwrap();
    assert!(prepared.living.iter().all(|living| living.number == 2), "they are as declared");
}

/// So many accounts that they are saved in several transactions.
pub(super) const MANY: u64 = 6_000;

/// Accounts, and events that change and move what is in them.
pub(super) fn many_accounts(number_of: u64) -> Log {
    use muster_events::{id::UserId, user::UserEvent};
    let mut log = Log::default();
    for number in 1..=number_of {
        let user = id(UserId::new, number);
        let address = format!("{number}");
        let registered = UserEvent::UserRegistered {
            username: username("u"),
            name: Some(sealed("n\t\\\n", None)),
            email: email(&address),
        };
        log.add(user, registered);
        log.add(user, UserEvent::EmailVerified { email: hash(&address) });
    }
    for number in (1..=number_of).step_by(3) {
        let user = id(UserId::new, number);
        log.add(user, UserEvent::EmailAdded { email: email("more"), memberships: vec![] });
        log.add(user, UserEvent::EmailRemoved { email: hash("more"), memberships: vec![] });
        log.add(user, UserEvent::SuperuserGranted {});
    }
    log
}

async fn given_saves_that_are_cut_off_then_the_rows_are_the_same_in_the_end(lab: &Lab) {
    let log = many_accounts(MANY);
    let (test, entries) = (TestViews::new(lab).await, log.entries());
    test.applied(&[&users::PROJECTION], 0, &entries).await;
    let third = entries.len() / 3;
    // Each time more of the log is folded, then less of it than was cut off the last time.
    for (folded, millis) in [(entries.len(), 15), (third, 25), (2 * third, 40), (third, 10)] {
        let killed = lab.open().await;
        let mut building = claimed(&killed, &users::PROJECTION, "one").await;
        building.take(&entries[..folded], end(&entries[..folded]));
        let _ = tokio::time::timeout(Duration::from_millis(millis), killed.save(&mut building)).await;
    }
    let mut building = built(&test.views, &users::PROJECTION, &entries).await;
    assert_eq!(test.views.follow(&mut building, &[], Position::ZERO).await.unwrap(), Switched::Done);
    let compared = test.views.compare(&building).await.unwrap().unwrap();
    assert!(compared.living.is_same(&compared.built), "{compared:?}");
    assert_eq!(compared.built.tables[0].rows, MANY);
}

async fn given_a_builder_then_another_one_is_refused_until_that_one_is_gone(lab: &Lab) {
    let test = TestViews::of(lab, &teams("two")).await;
    let projection = &crate::teams::PROJECTION;
    let mut building = claimed(&test.views, projection, "one").await;
    let entries = teams("two").entries();
    building.take(&entries[..2], Position(2));
    saved(&test.views, &mut building).await;
    let Claim::Busy(busy) = test.views.building(projection, LOG, "two").await.unwrap() else { panic!() };
    assert_eq!(busy.builder, "one");
    assert!(busy.left <= crate::views::BUILDER_TTL, "{busy:?}");
    // The clock of SQLite shows milliseconds: a beat within the same one extends nothing.
    let is_extended = async || {
        test.views.beat("one").await.unwrap();
        let Claim::Busy(again) = test.views.building(projection, LOG, "two").await.unwrap() else { panic!() };
        again.until > busy.until
    };
    let mut beats = 1;
    while !is_extended().await {
        beats += 1;
        assert!(beats < 10_000, "whoever is still there says so");
    }
    test.views.give_up(&building).await.unwrap();
    let second = claimed(&test.views, projection, "two").await;
    assert_eq!((second.number(), second.saved()), (building.number(), Position(2)), "it goes on there");
    building.take(&entries, Position(5));
    assert!(matches!(test.views.save(&mut building).await.unwrap(), Saved::Lost));
    assert_eq!(test.views.switch(&building).await.unwrap(), Switched::Lost);
}

async fn given_a_row_that_the_database_refuses_then_its_stream_is_set_aside_as_in_the_living_rows(lab: &Lab) {
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let mut building = claimed(&test.views, &NAMES_OF_TEAMS, "one").await;
    for table in ["names_1", "names_2"] {
        let in_sqlite = format!(
            "CREATE TRIGGER no_{table} BEFORE INSERT ON {table} WHEN new.name = 'zwei' \
             BEGIN SELECT RAISE(ABORT, 'no two'); END"
        );
        let check = format!("ALTER TABLE views.{table} ADD CONSTRAINT no_two CHECK (name <> 'zwei')");
        lab.harm(&in_sqlite, &check).await;
    }
    // Behind the refused one is another of its stream, which would have taken its place in the fold.
    let mut log = teams("zwei");
    log.entries.truncate(4);
    let entries = log.entries();
    test.applied(&[&NAMES_OF_TEAMS], 0, &entries).await;
    building.take(&entries, Position(4));
    let refused = test.views.save(&mut building).await.unwrap();
    assert!(matches!(&refused, Saved::Refused(why) if why.contains("two")), "{refused:?}");
    test.views.forget_folded(&mut building).await.unwrap();
    assert_eq!(building.position(), Position::ZERO);
    assert!(test.views.save_each(&mut building, &entries, Position(4)).await.unwrap());
    assert_eq!(test.views.follow(&mut building, &[], Position(4)).await.unwrap(), Switched::Done);
    let compared = test.views.compare(&building).await.unwrap().unwrap();
    assert!(compared.living.is_same(&compared.built), "{compared:?}");
}

async fn given_an_event_that_cannot_be_taken_then_it_is_set_aside_as_in_the_living_rows(lab: &Lab) {
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let entries = teams("poison").entries();
    test.applied(&[&NAMES_OF_TEAMS], 0, &entries).await;
    let mut building = built(&test.views, &NAMES_OF_TEAMS, &entries).await;
    switched(&test.views, &mut building, &entries).await;
    let [parked] = test.views.parked().await.unwrap().try_into().unwrap();
    assert_eq!((parked.generation, parked.stream), (2, StreamId::new(team::TYPE, "2")));
    assert_eq!((parked.first_position, parked.first_sequence), (Position(2), Sequence(1)));
    assert_eq!((parked.last_position, parked.events), (Position(5), 2));
    assert_eq!(names(&test.views).await, ["1: name=uno", "3: name=three"]);
}

async fn states(views: &Views) -> Vec<(u32, State)> {
    views.generations().await.unwrap().iter().map(|of| (of.number, of.state)).collect()
}

async fn given_a_switch_then_the_old_rows_are_kept_and_can_be_gone_back_to(lab: &Lab) {
    lab.clear().await;
    let views = lab.open().await;
    views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let entries = teams("two").entries();
    views.apply(&[&NAMES_OF_TEAMS], LOG, Position::ZERO, &entries[..3], None).await.unwrap();
    assert!(views.reviving(&NAMES_OF_TEAMS, LOG, "one").await.unwrap().is_none(), "nothing is kept");
    let mut building = built(&views, &NAMES_OF_TEAMS, &entries[..3]).await;
    switched(&views, &mut building, &entries[..3]).await;
    assert_eq!(states(&views).await, [(1, State::Kept), (2, State::Living)]);
    views.apply(&[&NAMES_OF_TEAMS], LOG, Position(3), &entries[3..], None).await.unwrap();
    let Some(Claim::Ours(mut kept)) = views.reviving(&NAMES_OF_TEAMS, LOG, "one").await.unwrap() else {
        panic!()
    };
    assert_eq!(kept.position(), Position(3), "it stands where it was left");
    switched(&views, &mut kept, &entries).await;
    assert_eq!(states(&views).await, [(1, State::Living), (2, State::Kept)]);
    assert_eq!(names(&views).await, ["1: name=uno", "2: name=due", "3: name=three"]);
    let mut third = built(&views, &NAMES_OF_TEAMS, &entries).await;
    switched(&views, &mut third, &entries).await;
    assert_eq!(states(&views).await, [(1, State::Kept), (3, State::Living)], "one is kept at most");
}

async fn given_events_after_the_following_then_both_generations_take_them(lab: &Lab) {
    lab.clear().await;
    let views = lab.open().await;
    views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let entries = teams("two").entries();
    // The living rows are not as far as what was built.
    let mut building = built(&views, &NAMES_OF_TEAMS, &entries[..4]).await;
    assert_eq!(views.follow(&mut building, &[], Position::ZERO).await.unwrap(), Switched::Done);
    assert_eq!(views.compare(&building).await.unwrap(), None);
    views.apply(&[&NAMES_OF_TEAMS], LOG, Position::ZERO, &entries[..2], None).await.unwrap();
    assert_eq!(views.compare(&building).await.unwrap(), None);
    views.apply(&[&NAMES_OF_TEAMS], LOG, Position(2), &entries[2..], None).await.unwrap();
    let compared = views.compare(&building).await.unwrap().unwrap();
    assert!(compared.living.is_same(&compared.built) && compared.built.position == Position(5));
}

async fn given_rows_behind_the_living_ones_then_they_do_not_take_their_place(lab: &Lab) {
    lab.clear().await;
    let views = lab.open().await;
    views.prepare(&[&NAMES_OF_TEAMS], LOG).await.unwrap();
    let entries = teams("two").entries();
    views.apply(&[&NAMES_OF_TEAMS], LOG, Position::ZERO, &entries, None).await.unwrap();
    let mut building = built(&views, &NAMES_OF_TEAMS, &entries[..2]).await;
    assert_eq!(views.follow(&mut building, &[], Position(2)).await.unwrap(), Switched::Behind);
    assert_eq!(views.switch(&building).await.unwrap(), Switched::Behind);
    assert_eq!(views.follow(&mut building, &entries[2..], Position(5)).await.unwrap(), Switched::Done);
    assert_eq!(views.switch(&building).await.unwrap(), Switched::Done);
    assert_eq!(crate::tests::shown(&NAMES, &views.rows(&NAMES).await.unwrap()).len(), 3);
}

#[test]
fn no_name_in_the_database_is_too_long_for_postgres() {
    const MOST: usize = 63;
    for table in all().iter().flat_map(|projection| projection.tables) {
        let name = table.of_generation(999_999);
        assert!(name.len() <= MOST, "{name}");
        for (index, _) in crate::sql::create_indexes(crate::sql::Dialect::Postgres, table, &name) {
            assert!(index.len() <= MOST, "{index} would be cut off");
        }
    }
}
