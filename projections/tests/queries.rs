//! The questions that readers ask, over one small organization.

use std::collections::BTreeSet;

use muster_events::{
    aggregate::fold,
    event::Event,
    id::{MemberId, TeamId, TokenId, UserId},
    member::{AssignedHow, InviteStatus, MemberEvent, MemberFlag},
    organization::{Feature, Organization, OrganizationEvent},
    roles::RoleId,
    stream::Sequence,
    team::{TeamEvent, TeamFlag},
    time::Timestamp,
    token::{TokenEvent, TokenOwner},
    user::{Authenticator, UserEvent},
};
use serde_json::json;

use super::{Lab, Log, TestViews, email, hash, id, on_every_database, organization, role, sealed, username};
use crate::{all, database::Query, members, organizations, read::Page, teams, tokens, users};

on_every_database! {
    a_member_is_found_with_account_inviter_and_teams
    requests_and_inactive_accounts_are_not_listed
    roles_are_held_by_rows_of_every_kind
    teams_are_listed_by_slug_with_counts_and_the_viewers_role
    an_organization_is_the_fold_of_its_stream
    accounts_and_tokens_are_listed_by_id
    texts_are_ordered_byte_by_byte
    a_question_of_several_queries_sees_one_state
}

pub(super) const ALL: Page = Page { offset: 0, limit: 100 };

pub(super) fn user(number: u64) -> UserId {
    id(UserId::new, number)
}

pub(super) fn member(number: u64) -> MemberId {
    id(MemberId::new, number)
}

pub(super) fn team(number: u64) -> TeamId {
    id(TeamId::new, number)
}

/// Users 1 to 3 (3 inactive); organization 1 with members 11 to 13 of these users, invitation 14, request 15;
/// teams 21 to 23 (23 being deleted). Organization 2 with member 16 of user 1.
pub(super) fn acme() -> Log {
    let mut log = Log::default();
    for number in 1..=3 {
        let text = format!("u{number}");
        let name = (number == 1).then(|| sealed("Alice", None));
        log.add(
            user(number),
            UserEvent::UserRegistered { username: username(&text), name, email: email(&text) },
        );
    }
    log.add(user(1), UserEvent::EmailAdded { email: email("a1"), memberships: vec![] });
    log.add(user(1), UserEvent::EmailVerified { email: hash("u1") });
    log.add(user(1), UserEvent::AuthenticatorEnrolled { kind: Authenticator::Totp });
    log.add(user(2), UserEvent::AuthenticatorEnrolled { kind: Authenticator::Recovery });
    log.add(user(3), UserEvent::UserDeactivated { owns: vec![] });
    for (number, slug) in [(1, "acme"), (2, "other")] {
        let created = OrganizationEvent::OrganizationCreated {
            slug: slug.into(),
            name: slug.to_uppercase(),
            default_role: role("member"),
        };
        log.add(organization(number), created);
    }
    let option = |to| OrganizationEvent::OrganizationOptionChanged {
        option: "apdexThreshold".into(),
        from: json!(null),
        to,
    };
    log.add(organization(1), option(json!(300)));
    log.add(organization(1), OrganizationEvent::TwoFactorRequired {});
    log.add(organization(1), OrganizationEvent::FeatureSet { feature: Feature::TeamRoles, on: false });
    for (number, slug) in [(21, "web"), (22, "core"), (23, "old")] {
        let created =
            TeamEvent::TeamCreated { organization: organization(1), slug: slug.into(), name: "T".into() };
        log.add(team(number), created);
    }
    log.add(team(23), TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true });
    add_members(&mut log);
    log
}

fn add_members(log: &mut Log) {
    for (number, whose, of, org_role) in
        [(11, 1, 1, "owner"), (12, 2, 1, "admin"), (13, 3, 1, "member"), (16, 1, 2, "owner")]
    {
        let added = MemberEvent::MemberAdded {
            organization: organization(of),
            user: user(whose),
            org_role: role(org_role),
            addresses: vec![],
            ownership: None,
        };
        log.add(member(number), added);
    }
    let invited = MemberEvent::MemberInvited {
        organization: organization(1),
        email: email("bob"),
        org_role: role("manager"),
        inviter: Some(user(1)),
        generation: 1,
        expires_at: Timestamp::from_micros(99).unwrap(),
        imported: false,
        counted: None,
        without_letter: false,
        referrer: None,
    };
    log.add(member(14), invited);
    let asked = MemberEvent::JoinRequested {
        organization: organization(1),
        email: email("eve"),
        org_role: role("viewer"),
    };
    log.add(member(15), asked);
    for (number, on, explicit) in [
        (11, 21, None),
        (12, 21, Some("admin")),
        (13, 21, None),
        (14, 21, Some("lead")),
        (11, 23, None),
        (11, 22, None),
    ] {
        let how = AssignedHow::Joined;
        log.add(member(number), MemberEvent::TeamAssigned { team: team(on), role: explicit.map(role), how });
    }
    log.add(member(11), MemberEvent::MemberFlagSet { flag: MemberFlag::SsoLinked });
}

async fn a_member_is_found_with_account_inviter_and_teams(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let found = members::query::find(&test.views, organization(1), member(11)).await.unwrap().unwrap();
    let account = found.member.account.as_ref().unwrap();
    assert_eq!(account.username, username("u1"));
    assert_eq!(account.name, Some(sealed("Alice", None)));
    assert_eq!((account.emails, account.email_verified, account.has_second_factor()), (2, true, true));
    assert_eq!(found.member.flags, BTreeSet::from([MemberFlag::SsoLinked]));
    assert_eq!(found.member.sequence, Sequence(5));
    let teams: Vec<_> = found.teams.iter().map(|team| (team.slug.as_str(), team.active)).collect();
    assert_eq!(teams, [("core", true), ("old", false), ("web", true)]);

    let found = members::query::find(&test.views, organization(1), member(14)).await.unwrap().unwrap();
    assert_eq!((found.member.user, found.member.account), (None, None));
    assert_eq!(found.member.email, Some(email("bob")));
    assert_eq!(found.member.inviter.unwrap().name, Some(sealed("Alice", None)));
    assert_eq!(found.teams[0].role, Some(role("lead")));

    let request = members::query::find(&test.views, organization(1), member(15)).await.unwrap().unwrap();
    assert_eq!(request.member.invite_status, InviteStatus::RequestedToJoin);
    assert_eq!(members::query::find(&test.views, organization(2), member(11)).await.unwrap(), None);
}

async fn requests_and_inactive_accounts_are_not_listed(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let page = async |offset, limit| {
        let page = Page { offset, limit };
        let listed = members::query::list(&test.views, organization(1), page).await.unwrap();
        (listed.rows.iter().map(|row| row.id.get()).collect::<Vec<_>>(), listed.more)
    };
    assert_eq!(page(0, 100).await, (vec![11, 12, 14], false));
    assert_eq!(page(0, 2).await, (vec![11, 12], true));
    assert_eq!(page(2, 2).await, (vec![14], false));
    assert_eq!(page(7, 2).await, (vec![], false));
    assert_eq!(members::query::count(&test.views, organization(1)).await.unwrap(), 3);
    assert_eq!(members::query::count(&test.views, organization(9)).await.unwrap(), 0);
}

async fn roles_are_held_by_rows_of_every_kind(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let (org_roles, team_roles) = members::query::held_roles(&test.views).await.unwrap();
    let names = |roles: &BTreeSet<RoleId>| roles.iter().map(RoleId::to_string).collect::<Vec<_>>();
    assert_eq!(names(&org_roles), ["admin", "manager", "member", "owner", "viewer"]);
    assert_eq!(names(&team_roles), ["admin", "lead"]);
}

async fn teams_are_listed_by_slug_with_counts_and_the_viewers_role(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let seen_by = async |viewer| {
        let listed = teams::query::list(&test.views, organization(1), viewer, ALL).await.unwrap();
        let line = |listed: teams::ListedTeam| {
            let viewer = listed.viewer.map(|on| on.role.map(|role| role.to_string()));
            (listed.team.slug, listed.members, viewer)
        };
        listed.rows.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(seen_by(None).await, [("core".into(), 1, None), ("web".into(), 2, None)]);
    let admin = Some(Some("admin".to_owned()));
    assert_eq!(seen_by(Some(member(12))).await, [("core".into(), 1, None), ("web".into(), 2, admin)]);
    assert_eq!(
        seen_by(Some(member(11))).await,
        [("core".into(), 1, Some(None)), ("web".into(), 2, Some(None))]
    );
    let page = Page { offset: 1, limit: 1 };
    let listed = teams::query::list(&test.views, organization(1), None, page).await.unwrap();
    assert_eq!((listed.rows[0].team.slug.as_str(), listed.more), ("web", false));
}

async fn an_organization_is_the_fold_of_its_stream(lab: &Lab) {
    let log = acme();
    let test = TestViews::of(lab, &log).await;
    let events = log.entries.iter().filter_map(|entry| match entry.event.as_deref() {
        Ok(Event::Organization(event)) if entry.stream == organization(1).into() => {
            Some((event.clone(), entry.recorded_at))
        }
        _ => None,
    });
    let folded: Organization = fold(events);
    let found = organizations::query::find(&test.views, organization(1)).await.unwrap().unwrap();
    assert_eq!((found.state, found.sequence), (folded.clone(), Sequence(4)));
    assert_eq!(organizations::query::find(&test.views, organization(9)).await.unwrap(), None);

    let listed = organizations::query::list(&test.views, ALL).await.unwrap();
    let counts: Vec<_> = listed.rows.iter().map(|listed| (listed.members, listed.pending)).collect();
    assert_eq!(counts, [(2, 1), (1, 0)]);
    assert_eq!(listed.rows[0].organization.state, folded);
}

async fn accounts_and_tokens_are_listed_by_id(lab: &Lab) {
    let token = id(TokenId::new, 5);
    let owner = TokenOwner::User(user(2));
    let issued = TokenEvent::TokenIssued { owner, scopes: None, digest: "d".into(), key_id: "k".into() };
    let test = TestViews::of(lab, &acme().and(token, issued)).await;
    let listed = users::query::list(&test.views, Page { offset: 1, limit: 1 }).await.unwrap();
    assert_eq!((listed.rows[0].id, listed.more), (user(2), true));
    assert!(!listed.rows[0].has_second_factor(), "recovery codes are no second factor");
    assert!(!users::query::find(&test.views, user(3)).await.unwrap().unwrap().active);
    assert_eq!(users::query::find(&test.views, user(9)).await.unwrap(), None);
    let emails = users::query::emails(&test.views, user(1)).await.unwrap();
    let emails: Vec<_> = emails.iter().map(|row| (&row.email, row.verified, row.primary)).collect();
    assert_eq!(emails, [(&email("u1"), true, true), (&email("a1"), false, false)]);
    let listed = tokens::query::list(&test.views, ALL).await.unwrap();
    assert_eq!((listed.rows[0].id, listed.rows[0].owner, listed.rows[0].revoked), (token, owner, false));
}

async fn texts_are_ordered_byte_by_byte(lab: &Lab) {
    let mut log = Log::default();
    for (number, slug) in (1..).zip(["b", "a-b", "a", "ab", "B", "_", "\u{e9}", "\u{1f600}", "\u{ff5e}"]) {
        let (organization, slug) = (organization(1), slug.into());
        log.add(team(number), TeamEvent::TeamCreated { organization, slug, name: "T".into() });
    }
    let test = TestViews::of(lab, &log).await;
    let listed = teams::query::list(&test.views, organization(1), None, ALL).await.unwrap();
    let slugs: Vec<_> = listed.rows.iter().map(|listed| listed.team.slug.as_str()).collect();
    assert_eq!(slugs, ["B", "_", "a", "a-b", "ab", "b", "\u{e9}", "\u{ff5e}", "\u{1f600}"]);
}

async fn a_question_of_several_queries_sees_one_state(lab: &Lab) {
    let test = TestViews::new(lab).await;
    let mut reading = test.views.reading().await.unwrap();
    let query = Query::new("SELECT 1 FROM users");
    assert_eq!(reading.rows(&query).await.unwrap().len(), 0);
    test.applied(&all(), 0, &acme().entries()).await;
    assert_eq!(reading.rows(&query).await.unwrap().len(), 0);
    drop(reading);
    assert_eq!(test.views.readers().rows(&query).await.unwrap().len(), 3);
}
