//! The questions about requests.

use muster_events::{
    id::{MemberId, TeamId, UserId},
    member::{AssignedHow, InviteStatus, MemberEvent},
    team::{TeamEvent, TeamFlag},
    time::Timestamp,
    user::UserEvent,
};

use super::{Lab, Log, TestViews, email, id, on_every_database, organization, role, sealed, username};
use crate::{members::requests, read::Page};

on_every_database! {
    requests_come_by_kind_in_pages
    details_come_as_they_were_asked_for
}

fn member(number: u64) -> MemberId {
    id(MemberId::new, number)
}

fn asked(number: u64) -> MemberEvent {
    MemberEvent::JoinRequested {
        organization: organization(1),
        email: email(&format!("m{number}")),
        org_role: role("member"),
    }
}

fn proposed(number: u64, inviter: Option<u64>) -> MemberEvent {
    MemberEvent::InviteRequested {
        organization: organization(1),
        email: email(&format!("m{number}")),
        org_role: role("member"),
        inviter: inviter.map(|inviter| id(UserId::new, inviter)),
    }
}

/// Requests to join 11 and 14, to invite 12 (by user 1, on teams 21 to 23 of which 23 is going) and 13; 15 is approved,
/// 16 rejected, 17 of another organization.
fn log() -> Log {
    let (user, name) = (id(UserId::new, 1), Some(sealed("Alice", None)));
    let registered = UserEvent::UserRegistered { username: username("u1"), name, email: email("u1") };
    let mut log = Log::default().and(user, registered);
    for (number, slug) in [(21, "web"), (22, "core"), (23, "old")] {
        let (slug, name) = (slug.into(), slug.into());
        log.add(
            id(TeamId::new, number),
            TeamEvent::TeamCreated { organization: organization(1), slug, name },
        );
    }
    log.add(id(TeamId::new, 23), TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true });
    log.add(member(11), asked(11));
    log.add(member(12), proposed(12, Some(1)));
    log.add(member(13), proposed(13, None));
    for number in 14..=16 {
        log.add(member(number), asked(number));
    }
    for (team, explicit) in [(21, None), (22, Some("admin")), (23, None)] {
        let (team, explicit) = (id(TeamId::new, team), explicit.map(role));
        log.add(member(12), MemberEvent::TeamAssigned { team, role: explicit, how: AssignedHow::Invited });
    }
    let expires_at = Timestamp::from_micros(9).unwrap();
    log.add(member(15), MemberEvent::InviteApproved { generation: 1, expires_at });
    let rejected = MemberEvent::InviteRequestRejected {
        status: InviteStatus::RequestedToJoin,
        role: role("member"),
        teams: vec![],
        addresses: vec![],
    };
    log.add(member(16), rejected);
    let (email, org_role) = (email("m17"), role("member"));
    let elsewhere = MemberEvent::JoinRequested { organization: organization(2), email, org_role };
    log.and(member(17), elsewhere)
}

async fn requests_come_by_kind_in_pages(lab: &Lab) {
    let test = TestViews::of(lab, &log()).await;
    let page = async |with_joins, offset, limit| {
        let page = Page { offset, limit };
        let listed = requests::keys(&test.views, organization(1), with_joins, page).await.unwrap();
        (listed.rows.iter().map(|key| key.id.get()).collect::<Vec<_>>(), listed.more)
    };
    assert_eq!(page(true, 0, 100).await, (vec![12, 13, 11, 14], false));
    assert_eq!(page(true, 1, 2).await, (vec![13, 11], true));
    assert_eq!(page(false, 0, 100).await, (vec![12, 13], false));
    assert_eq!(page(true, 9, 2).await, (vec![], false));
    let first = requests::keys(&test.views, organization(1), true, Page { offset: 0, limit: 1 }).await;
    let first = first.unwrap().rows.remove(0);
    assert_eq!((first.status, first.email), (InviteStatus::RequestedToBeInvited, Some(email("m12"))));
}

async fn details_come_as_they_were_asked_for(lab: &Lab) {
    let test = TestViews::of(lab, &log()).await;
    let ids: Vec<_> = [14, 12, 15, 16, 17, 99, 11].map(member).into();
    let found = requests::details(&test.views, organization(1), &ids).await.unwrap();
    let line = |found: &crate::members::MemberDetails| {
        let teams = found.teams.iter().map(|team| (team.slug.clone(), team.active)).collect::<Vec<_>>();
        (found.member.id.get(), teams)
    };
    let teams = [("core", true), ("old", false), ("web", true)].map(|(slug, active)| (slug.into(), active));
    let lines: Vec<_> = found.iter().map(line).collect();
    assert_eq!(lines, [(14, vec![]), (12, teams.to_vec()), (11, vec![])]);
    assert_eq!(found[1].member.inviter.as_ref().unwrap().name, Some(sealed("Alice", None)));
    assert_eq!(found[1].teams[0].role, Some(role("admin")));
    assert_eq!(requests::details(&test.views, organization(1), &[]).await.unwrap(), []);
    let many: Vec<_> = (1..=100).map(member).collect();
    assert_eq!(requests::details(&test.views, organization(1), &many).await.unwrap().len(), 4);
}
