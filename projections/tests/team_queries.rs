//! What is asked about the members of teams, and about those who want to join.

use muster_events::{id::TeamId, member::MemberEvent};

use super::{
    Lab, TestViews, on_every_database, organization,
    queries::{ALL, acme, member, team, user},
};
use crate::{
    members,
    read::Page,
    teams::{self, TeamFilter},
};

on_every_database! {
    teams_are_found_by_text_slug_id_and_being_on_them
    members_of_a_team_are_listed_with_their_role
    requests_to_join_a_team_are_listed_while_they_are_open
}

async fn teams_are_found_by_text_slug_id_and_being_on_them(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let found = async |filter: TeamFilter| {
        let seen = teams::query::search(&test.views, organization(1), Some(member(12)), &filter, ALL).await;
        seen.unwrap().rows.into_iter().map(|listed| listed.team.slug).collect::<Vec<_>>()
    };
    let with = |text: &str| TeamFilter { text: Some(text.into()), ..TeamFilter::default() };
    assert_eq!(found(with("E")).await, ["core", "web"]);
    assert_eq!(found(with("EB")).await, ["web"]);
    assert_eq!(found(with("t")).await, ["core", "web"], "in the name");
    for nothing in ["%", "_", "\\", "old", &"w".repeat(65), &"w".repeat(100_000)] {
        assert_eq!(found(with(nothing)).await, Vec::<String>::new(), "{nothing:.10}");
    }
    let slugs = |slugs: &[&str]| {
        let slugs = Some(slugs.iter().map(ToString::to_string).collect());
        TeamFilter { slugs, ..TeamFilter::default() }
    };
    assert_eq!(found(slugs(&["web", "core", "x"])).await, ["core", "web"]);
    assert_eq!(found(slugs(&[])).await, Vec::<String>::new());
    let ids = TeamFilter { ids: Some(vec![team(22), team(99)]), ..TeamFilter::default() };
    assert_eq!(found(ids).await, ["core"]);
    assert_eq!(found(TeamFilter { own: true, ..TeamFilter::default() }).await, ["web"]);
    assert_eq!(found(TeamFilter { own: true, ..with("core") }).await, Vec::<String>::new());
    let one = teams::query::find(&test.views, organization(1), None, team(22)).await.unwrap();
    assert_eq!(one.unwrap().team.slug, "core");
    for (place, number) in [(1, 23), (2, 22), (1, 99)] {
        let one = teams::query::find(&test.views, organization(place), None, team(number)).await.unwrap();
        assert_eq!(one, None);
    }
}

async fn members_of_a_team_are_listed_with_their_role(lab: &Lab) {
    let test = TestViews::of(lab, &acme()).await;
    let on = async |place, number| {
        let found = members::on_team::list(&test.views, organization(place), team(number)).await.unwrap();
        let line = |on: members::TeamMember| (on.member.id.get(), on.role.map(|role| role.to_string()));
        found.into_iter().map(line).collect::<Vec<_>>()
    };
    let (admin, lead) = (Some("admin".to_owned()), Some("lead".to_owned()));
    assert_eq!(on(1, 21).await, [(11, None), (12, admin), (14, lead)]);
    assert_eq!(on(1, 22).await, [(11, None)]);
    assert_eq!(on(2, 21).await, []);
}

async fn requests_to_join_a_team_are_listed_while_they_are_open(lab: &Lab) {
    let mut log = acme();
    let asks = |number, on, requester: Option<u64>| {
        let requester = requester.map(user);
        (member(number), MemberEvent::TeamAccessRequested { team: team(on), requester })
    };
    // 12 and 14 ask for core, 12 also for the team that is being deleted, 13 cannot be used any more, 11 is on it.
    for (number, event) in [
        asks(12, 22, None),
        asks(14, 22, Some(1)),
        asks(12, 23, None),
        asks(13, 22, None),
        asks(11, 22, None),
        asks(16, 22, None),
    ] {
        log.add(number, event);
    }
    let test = TestViews::of(lab, &log).await;
    let listed = async |place, among: Option<&[TeamId]>, page| {
        let found =
            members::access_requests::list(&test.views, organization(place), among, page).await.unwrap();
        let line = |row: members::AccessRequestRow| {
            (row.member.id.get(), row.team.get(), row.requester.map(|user| user.id.get()))
        };
        (found.rows.into_iter().map(line).collect::<Vec<_>>(), found.more)
    };
    assert_eq!(listed(1, None, ALL).await, (vec![(12, 22, None), (14, 22, Some(1))], false));
    assert_eq!(listed(1, None, Page { offset: 1, limit: 1 }).await, (vec![(14, 22, Some(1))], false));
    assert_eq!(listed(1, None, Page { offset: 0, limit: 1 }).await, (vec![(12, 22, None)], true));
    assert_eq!(listed(1, Some(&[]), ALL).await, (vec![], false));
    assert_eq!(listed(1, Some(&[team(21)]), ALL).await, (vec![], false));
    assert_eq!(listed(1, Some(&[team(21), team(22)]), ALL).await.0.len(), 2);
    assert_eq!(members::access_requests::count(&test.views, organization(1)).await.unwrap(), 2);
    assert_eq!(members::access_requests::count(&test.views, organization(9)).await.unwrap(), 0);
    let seen = teams::query::find(&test.views, organization(1), Some(member(12)), team(22)).await.unwrap();
    assert!(seen.unwrap().pending);
    let seen = teams::query::find(&test.views, organization(1), Some(member(14)), team(21)).await.unwrap();
    assert!(!seen.unwrap().pending);
}
