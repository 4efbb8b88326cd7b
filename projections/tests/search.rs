//! What a `query` means: the same for the database and for the pure question.

use std::collections::BTreeSet;

use muster_events::{
    id::{MemberId, UserId},
    member::{AssignedHow, MemberEvent, MemberFlag},
    organization::OrganizationEvent,
    personal::KeyedHash,
    roles::Roles,
    time::Timestamp,
    user::{Authenticator, UserEvent},
};
use proptest::{prelude::*, sample::subsequence, strategy::ValueTree, test_runner::TestRunner};

use super::{Lab, Log, TestViews, email, hash, id, on_every_database, organization, role, sealed, username};
use crate::{
    members::{Candidate, MemberFilter, search},
    read::Page,
};

on_every_database! {
    the_database_and_the_pure_question_mean_the_same_members
    pages_of_what_fits_are_cut_from_the_whole
    a_scan_gives_every_candidate_with_all_addresses
}

const ALL: Page = Page { offset: 0, limit: 100 };

/// Users 1 to 8 as members 11 to 18 of organization 1 (user 8 inactive), with different roles, second factors and
/// flags; invitations 21 to 23; user 1 and another invitation in organization 2.
fn crowd() -> Log {
    let mut log = Log::default();
    for number in 1..=2 {
        let (slug, name) = (format!("o{number}"), "O".to_owned());
        let created = OrganizationEvent::OrganizationCreated { slug, name, default_role: role("member") };
        log.add(organization(number), created);
    }
    for number in 1..=8 {
        let (user, text) = (id(UserId::new, number), format!("u{number}"));
        let name = Some(sealed("Name", None));
        log.add(user, UserEvent::UserRegistered { username: username(&text), name, email: email(&text) });
        if number % 2 == 0 {
            let second = email(&format!("second{number}"));
            log.add(user, UserEvent::EmailAdded { email: second, memberships: vec![] });
        }
        let kinds = [Authenticator::Totp, Authenticator::Sms, Authenticator::U2f, Authenticator::Recovery];
        if let Some(kind) = kinds.get(usize::try_from(number).unwrap()) {
            log.add(user, UserEvent::AuthenticatorEnrolled { kind: *kind });
        }
        let org_role = ["member", "admin", "manager", "owner"][usize::try_from(number % 4).unwrap()];
        add(&mut log, 10 + number, 1, number, org_role);
        if number % 3 == 0 {
            let member = id(MemberId::new, 10 + number);
            log.add(member, MemberEvent::MemberFlagSet { flag: MemberFlag::SsoLinked });
        }
    }
    log.add(id(UserId::new, 8), UserEvent::UserDeactivated { owns: vec![] });
    add(&mut log, 30, 2, 1, "owner");
    for (number, within) in [(21, 1), (22, 1), (23, 1), (31, 2)] {
        let invited = MemberEvent::MemberInvited {
            organization: organization(within),
            email: email(&format!("i{number}")),
            org_role: role("member"),
            inviter: None,
            generation: 1,
            expires_at: Timestamp::from_micros(99).unwrap(),
            imported: false,
            counted: None,
            without_letter: false,
            referrer: None,
        };
        log.add(id(MemberId::new, number), invited);
    }
    let how = AssignedHow::Joined;
    let team = id(muster_events::id::TeamId::new, 41);
    log.add(id(MemberId::new, 11), MemberEvent::TeamAssigned { team, role: None, how });
    log
}

fn add(log: &mut Log, member: u64, within: u64, user: u64, org_role: &str) {
    let added = MemberEvent::MemberAdded {
        organization: organization(within),
        user: id(UserId::new, user),
        org_role: role(org_role),
        addresses: vec![],
        ownership: None,
    };
    log.add(id(MemberId::new, member), added);
}

#[expect(clippy::unnecessary_wraps, reason = "as the filter wants it")]
fn hash_of(text: &str) -> Option<KeyedHash> {
    Some(hash(&text.to_lowercase()))
}

fn parse(query: &str) -> MemberFilter {
    MemberFilter::parse(query, &Roles::bundled(), hash_of)
}

async fn candidates(test: &TestViews) -> Vec<Candidate> {
    let everybody = MemberFilter::default();
    let mut scan = search::Scan::begin(&test.views, organization(1), &everybody).await.unwrap();
    let all = scan.next_batch().await.unwrap();
    assert_eq!(scan.next_batch().await.unwrap(), []);
    all
}

async fn ids(test: &TestViews, filter: &MemberFilter, page: Page) -> Vec<u64> {
    let found = search::page(&test.views, organization(1), filter, page).await.unwrap();
    found.rows.iter().map(|row| row.id.get()).collect()
}

/// Each is one word of a query, with the members that it means alone.
const WORDS: &[(&str, &[u64])] = &[
    ("", &[11, 12, 13, 14, 15, 16, 17, 21, 22, 23]),
    ("email:u2", &[12]),
    ("email:U2", &[12]),
    ("email:second4", &[14]),
    ("email:i22", &[22]),
    ("email:i31", &[]),
    ("email:u8", &[]),
    ("id:11", &[11]),
    ("id:21 id:x id:12", &[12, 21]),
    ("id:x", &[]),
    ("id:30", &[]),
    ("id:018", &[]),
    ("user.id:3", &[13]),
    ("user.id:-3", &[]),
    ("role:owner", &[13, 17]),
    ("role:member", &[14, 21, 22, 23]),
    ("role:emperor", &[]),
    ("role:\"no role\"", &[]),
    ("scope:org:admin", &[13, 17]),
    ("scope:member:write", &[12, 13, 16, 17]),
    ("scope:nothing", &[]),
    ("isInvited:true", &[21, 22, 23]),
    ("isInvited:false", &[11, 12, 13, 14, 15, 16, 17]),
    ("isInvited:yes", &[11, 12, 13, 14, 15, 16, 17]),
    ("ssoLinked:true", &[13, 16]),
    ("ssoLinked:x", &[11, 12, 14, 15, 17, 21, 22, 23]),
    ("has2fa:true", &[11, 12]),
    ("has2fa:false", &[13, 14, 15, 16, 17]),
    ("hasExternalUsers:true", &[]),
    ("hasExternalUsers:no", &[11, 12, 13, 14, 15, 16, 17, 21, 22, 23]),
    ("unknown:x", &[]),
    ("EMAIL:u2", &[]),
];

async fn the_database_and_the_pure_question_mean_the_same_members(lab: &Lab) {
    let test = TestViews::of(lab, &crowd()).await;
    let all = candidates(&test).await;
    let pure = |filter: &MemberFilter| -> Vec<u64> {
        let fitting = all.iter().filter(|candidate| filter.fits::<&str>(candidate, &[]));
        fitting.map(|candidate| candidate.row.id.get()).collect()
    };
    for (query, expected) in WORDS {
        let filter = parse(query);
        assert_eq!(ids(&test, &filter, ALL).await, *expected, "{query}");
        assert_eq!(pure(&filter), *expected, "{query}");
    }
    let several = subsequence(WORDS.to_vec(), 1..=4);
    let mut runner = TestRunner::default();
    for _ in 0..200 {
        let words = several.new_tree(&mut runner).unwrap().current();
        let query = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ");
        let filter = parse(&query);
        assert_eq!(ids(&test, &filter, ALL).await, pure(&filter), "{query}");
    }
}

async fn pages_of_what_fits_are_cut_from_the_whole(lab: &Lab) {
    let test = TestViews::of(lab, &crowd()).await;
    let filter = parse("isInvited:false role:admin role:owner role:manager");
    assert_eq!(ids(&test, &filter, ALL).await, [11, 12, 13, 15, 16, 17]);
    assert_eq!(ids(&test, &filter, Page { offset: 1, limit: 2 }).await, [12, 13]);
    assert_eq!(ids(&test, &filter, Page { offset: 6, limit: 2 }).await, [0; 0]);
    let more = async |limit| {
        let page = Page { offset: 0, limit };
        search::page(&test.views, organization(1), &filter, page).await.unwrap().more
    };
    assert_eq!((more(5).await, more(6).await), (true, false));
}

async fn a_scan_gives_every_candidate_with_all_addresses(lab: &Lab) {
    let test = TestViews::of(lab, &crowd()).await;
    let all = candidates(&test).await;
    let found: Vec<_> = all.iter().map(|candidate| candidate.row.id.get()).collect();
    assert_eq!(found, [11, 12, 13, 14, 15, 16, 17, 21, 22, 23]);
    assert_eq!(all[1].addresses, [email("u2"), email("second2")]);
    assert_eq!((all[7].addresses.len(), &all[7].row.email), (0, &Some(email("i21"))));
}

fn some_member() -> Candidate {
    let row = crate::members::MemberRow {
        id: id(MemberId::new, 5),
        organization: organization(1),
        sequence: muster_events::stream::Sequence(1),
        user: None,
        account: None,
        email: Some(email("someone")),
        org_role: role("member"),
        invite_status: muster_events::member::InviteStatus::Approved,
        inviter: None,
        expires_at: None,
        flags: BTreeSet::new(),
        created_at: Timestamp::from_micros(1).unwrap(),
    };
    Candidate { row, addresses: vec![] }
}

#[test]
fn text_is_looked_for_in_all_texts_without_regard_to_case() {
    let texts = ["Åse Berg", "ase", "ase.berg@example.com"];
    for (query, expected) in [
        ("berg", true),
        ("BERG", true),
        ("åse", true),
        ("åse berg", true),
        ("\"Åse  Berg\"", false),
        ("berg åse", false),
        ("query:berg", true),
        ("berg role:member", true),
        ("berg role:owner", false),
        ("\"\"", true),
        ("carl", false),
    ] {
        assert_eq!(parse(query).fits(&some_member(), &texts), expected, "{query}");
    }
    assert!(!parse("x").fits::<&str>(&some_member(), &[]));
    assert!(!parse("role:member").asks_for_text());
}

proptest! {
    /// Whatever is written is a query.
    #[test]
    fn no_text_is_too_strange_for_a_query(query in "[ \"':()a-zOR\\PC]{0,40}") {
        parse(&query).fits(&some_member(), &["someone"]);
    }
}
