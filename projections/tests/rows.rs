//! Which rows some events give: in memory, in each database, and when every event is applied twice.

use muster_events::{
    id::{MemberId, TeamId, TokenId, UserId},
    member::{AssignedHow, MemberEvent, MemberFlag, RemovalReason, UnassignedHow},
    organization::{Avatar, AvatarImage, AvatarKind, Feature, OrganizationEvent},
    personal::{EmailAddress, Personal},
    roles::ScopeSet,
    team::{TeamEvent, TeamFlag},
    time::Timestamp,
    token::{TokenEvent, TokenOwner},
    user::{Authenticator, Renamed, UserEvent},
};
use serde_json::{Value as Json, json};

use super::{
    Lab, Log, TestViews, email, hash, id, on_every_database, organization, role, sealed, shown, username,
};
use crate::{
    members::{MEMBER_TEAMS, MEMBERS},
    organizations::{ORGANIZATION_FEATURES, ORGANIZATION_FLAGS, ORGANIZATION_OPTIONS, ORGANIZATIONS},
    table::Table,
    teams::TEAMS,
    tokens::TOKENS,
    users::{USER_EMAILS, USERS},
};

on_every_database! {
    rows_come_to_be_in_four_ways
    roles_and_teams_follow_the_member
    flags_are_set_and_cleared
    a_removed_member_leaves_no_row
    accounts_have_addresses_and_authenticators
    accounts_change_names_addresses_and_rights
    an_erased_account_leaves_no_row
    teams_carry_their_marks
    organizations_carry_their_settings
    organizations_change_and_go
    tokens_are_listed_without_their_digests
}

async fn gives(lab: &Lab, log: Log, expected: &[(&'static Table, &[&str])]) {
    let tables = log.in_memory(1);
    for (table, lines) in expected {
        assert_eq!(shown(table, &tables.rows(table)), *lines, "{}", table.name);
    }
    assert_eq!(log.in_memory(2), tables, "an event that is applied twice changes nothing");
    TestViews::of(lab, &log).await.assert_same_as(&tables).await;
}

fn member(number: u64) -> MemberId {
    id(MemberId::new, number)
}

fn team(number: u64) -> TeamId {
    id(TeamId::new, number)
}

fn invited() -> MemberEvent {
    MemberEvent::MemberInvited {
        organization: organization(1),
        email: email("bob"),
        org_role: role("member"),
        inviter: Some(id(UserId::new, 7)),
        generation: 1,
        expires_at: Timestamp::from_micros(99).unwrap(),
        imported: false,
        counted: None,
        without_letter: false,
        referrer: None,
    }
}

fn added() -> MemberEvent {
    MemberEvent::MemberAdded {
        organization: organization(1),
        user: id(UserId::new, 7),
        org_role: role("owner"),
        addresses: vec![hash("alice")],
        ownership: None,
    }
}

fn on_team(number: u64, explicit: Option<&str>) -> MemberEvent {
    MemberEvent::TeamAssigned { team: team(number), role: explicit.map(role), how: AssignedHow::Joined }
}

const BOB: &str = r#"{"key":"k","for":"f","sealed":"bob","hash":"h:bob"}"#;

async fn rows_come_to_be_in_four_ways(lab: &Lab) {
    let asked = MemberEvent::JoinRequested {
        organization: organization(1),
        email: email("bob"),
        org_role: role("member"),
    };
    let proposed = MemberEvent::InviteRequested {
        organization: organization(1),
        email: email("bob"),
        org_role: role("admin"),
        inviter: None,
    };
    let log = Log::default()
        .and(member(41), invited())
        .and(member(42), added())
        .and(member(43), asked)
        .and(member(44), proposed);
    let (invited, asked, proposed) = (
        format!(
            "41: organization_id=1 email={BOB} email_hash=h:bob org_role=member invite_status=approved \
            inviter_id=7 expires_at=99 expiry_due_at=99 created_at=1 sequence=1"
        ),
        format!(
            "43: organization_id=1 email={BOB} email_hash=h:bob org_role=member invite_status=requested_to_join \
            created_at=3 sequence=1"
        ),
        format!(
            "44: organization_id=1 email={BOB} email_hash=h:bob org_role=admin \
            invite_status=requested_to_be_invited created_at=4 sequence=1"
        ),
    );
    let added =
        "42: organization_id=1 user_id=7 org_role=owner invite_status=approved created_at=2 sequence=1";
    gives(lab, log, &[(&MEMBERS, &[&invited, added, &asked, &proposed]), (&MEMBER_TEAMS, &[])]).await;
}

async fn roles_and_teams_follow_the_member(lab: &Lab) {
    let log = Log::default()
        .and(member(42), added())
        .and(member(42), on_team(3, Some("admin")))
        .and(member(42), on_team(4, None))
        .and(member(42), on_team(5, Some("admin")))
        .and(
            member(42),
            MemberEvent::OrgRoleChanged { from: role("owner"), to: role("manager"), ownership: None },
        )
        .and(
            member(42),
            MemberEvent::TeamRoleCleared {
                team: team(3),
                was: role("admin"),
                because_of_org_role: role("manager"),
            },
        )
        .and(member(42), MemberEvent::TeamRoleChanged { team: team(4), from: None, to: Some(role("admin")) })
        .and(
            member(42),
            MemberEvent::TeamUnassigned {
                team: team(5),
                role: Some(role("admin")),
                how: UnassignedHow::Left,
            },
        );
    let row =
        "42: organization_id=1 user_id=7 org_role=manager invite_status=approved created_at=1 sequence=8";
    gives(lab, log, &[(&MEMBERS, &[row]), (&MEMBER_TEAMS, &["42/3: ", "42/4: role=admin"])]).await;
}

async fn flags_are_set_and_cleared(lab: &Lab) {
    let mut log = Log::default().and(member(42), added());
    for flag in MemberFlag::ALL {
        log.add(member(42), MemberEvent::MemberFlagSet { flag });
    }
    let all = "42: organization_id=1 user_id=7 org_role=owner invite_status=approved idp_provisioned=true \
        idp_role_restricted=true sso_linked=true sso_invalid=true member_limit_restricted=true \
        partnership_restricted=true created_at=1 sequence=7";
    gives(lab, log.clone(), &[(&MEMBERS, &[all])]).await;
    for flag in MemberFlag::ALL {
        log.add(member(42), MemberEvent::MemberFlagCleared { flag });
    }
    log.add(member(42), MemberEvent::SsoLinked { provider: "okta".into() });
    let linked = "42: organization_id=1 user_id=7 org_role=owner invite_status=approved sso_linked=true created_at=1 \
        sequence=14";
    gives(lab, log, &[(&MEMBERS, &[linked])]).await;
}

async fn a_removed_member_leaves_no_row(lab: &Lab) {
    let removed = MemberEvent::MemberRemoved {
        reason: RemovalReason::Left,
        role: role("owner"),
        teams: vec![team(3)],
        user: Some(id(UserId::new, 7)),
        addresses: vec![],
        ownership: None,
    };
    let log = Log::default()
        .and(member(42), added())
        .and(member(420), added())
        .and(member(42), on_team(3, None))
        .and(member(420), on_team(3, None))
        .and(member(42), removed);
    let other =
        "420: organization_id=1 user_id=7 org_role=owner invite_status=approved created_at=2 sequence=2";
    gives(lab, log, &[(&MEMBERS, &[other]), (&MEMBER_TEAMS, &["420/3: "])]).await;
}

async fn accounts_have_addresses_and_authenticators(lab: &Lab) {
    let user = id(UserId::new, 7);
    let registered = UserEvent::UserRegistered {
        username: username("al"),
        name: Some(sealed("Al", None)),
        email: email("bob"),
    };
    let mut log = Log::default()
        .and(user, registered)
        .and(user, UserEvent::EmailVerified { email: hash("bob") })
        .and(user, UserEvent::EmailAdded { email: email("rob"), memberships: vec![] });
    for kind in Authenticator::ALL {
        log.add(user, UserEvent::AuthenticatorEnrolled { kind });
    }
    log.add(user, UserEvent::SuperuserGranted {});
    log.add(user, UserEvent::UserDeactivated { owns: vec![] });
    let row = format!(
        "7: username={} username_hash=h:al name={} email_hash=h:bob superuser=true totp_at=4 sms_at=5 \
        u2f_at=6 recovery_at=7 created_at=1 sequence=9",
        r#"{"key":"k","for":"f","sealed":"al","hash":"h:al"}"#, r#"{"key":"k","for":"f","sealed":"Al"}"#
    );
    let bob = format!("7/h:bob: email={BOB} verified=true added_at=1");
    let rob =
        format!("7/h:rob: email={} added_at=3", r#"{"key":"k","for":"f","sealed":"rob","hash":"h:rob"}"#);
    gives(lab, log, &[(&USERS, &[&row]), (&USER_EMAILS, &[&bob, &rob])]).await;
}

async fn accounts_change_names_addresses_and_rights(lab: &Lab) {
    let user = id(UserId::new, 7);
    let registered = UserEvent::UserRegistered {
        username: username("al"),
        name: Some(sealed("Al", None)),
        email: email("bob"),
    };
    let renamed = UserEvent::UserRenamed {
        username: Some(Box::new(Renamed { from: Some(username("al")), to: Some(username("bo")) })),
        name: Some(Box::new(Renamed { from: Some(sealed("Al", None)), to: None })),
    };
    let kind = Authenticator::Totp;
    let log = Log::default()
        .and(user, registered)
        .and(user, UserEvent::EmailAdded { email: email("rob"), memberships: vec![] })
        .and(user, renamed)
        .and(user, UserEvent::PrimaryEmailChanged { from: hash("bob"), to: hash("rob") })
        .and(user, UserEvent::EmailRemoved { email: hash("bob"), memberships: vec![] })
        .and(user, UserEvent::AuthenticatorEnrolled { kind })
        .and(user, UserEvent::AuthenticatorRemoved { kind })
        .and(user, UserEvent::SuperuserGranted {})
        .and(user, UserEvent::SuperuserRevoked {})
        .and(user, UserEvent::UserDeactivated { owns: vec![] })
        .and(user, UserEvent::UserReactivated { owns: vec![] });
    let bo = r#"{"key":"k","for":"f","sealed":"bo","hash":"h:bo"}"#;
    let row =
        format!("7: username={bo} username_hash=h:bo email_hash=h:rob active=true created_at=1 sequence=11");
    let rob =
        format!("7/h:rob: email={} added_at=2", r#"{"key":"k","for":"f","sealed":"rob","hash":"h:rob"}"#);
    gives(lab, log, &[(&USERS, &[&row]), (&USER_EMAILS, &[&rob])]).await;
}

async fn an_erased_account_leaves_no_row(lab: &Lab) {
    let (user, none) = (id(UserId::new, 7), (vec![], None, vec![], vec![]));
    let (owns, username_hash, addresses, invitees) = none;
    let log = Log::default()
        .and(user, UserEvent::UserRegistered { username: username("al"), name: None, email: email("bob") })
        .and(user, UserEvent::EmailAdded { email: email("rob"), memberships: vec![] })
        .and(user, UserEvent::UserErased { owns, username: username_hash, addresses, invitees });
    gives(lab, log, &[(&USERS, &[]), (&USER_EMAILS, &[])]).await;
}

async fn teams_carry_their_marks(lab: &Lab) {
    let mut log = Log::default();
    for number in [3, 4] {
        let created = TeamEvent::TeamCreated {
            organization: organization(1),
            slug: format!("t{number}"),
            name: "T".into(),
        };
        log.add(team(number), created);
    }
    log.add(team(3), TeamEvent::TeamFlagged { flag: TeamFlag::IdpProvisioned, to: true });
    log.add(team(4), TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true });
    let three =
        "3: organization_id=1 slug=t3 name=T active=true idp_provisioned=true created_at=1 sequence=2";
    let four = "4: organization_id=1 slug=t4 name=T created_at=2 sequence=2";
    gives(lab, log, &[(&TEAMS, &[three, four])]).await;
}

async fn organizations_carry_their_settings(lab: &Lab) {
    let created = OrganizationEvent::OrganizationCreated {
        slug: "acme".into(),
        name: "Acme".into(),
        default_role: role("member"),
    };
    let option = |to: Json| OrganizationEvent::OrganizationOptionChanged {
        option: "apdexThreshold".into(),
        from: Json::Null,
        to,
    };
    let flag = OrganizationEvent::OrganizationFlagChanged { flag: "early_adopter".into(), to: true };
    let sso =
        OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked: true };
    let log = Log::default()
        .and(organization(1), created)
        .and(organization(1), option(json!(300)))
        .and(organization(1), option(Json::Null))
        .and(organization(1), flag)
        .and(organization(1), OrganizationEvent::TwoFactorRequired {})
        .and(organization(1), OrganizationEvent::TwoFactorRequirementLifted {})
        .and(
            organization(1),
            OrganizationEvent::DefaultRoleChanged { from: role("member"), to: role("admin") },
        )
        .and(organization(1), OrganizationEvent::FeatureSet { feature: Feature::InviteTeamRoles, on: true })
        .and(organization(1), sso);
    let row = "1: slug=acme name=Acme default_role=admin sso_provider=okta sso_name=Okta sso_allow_unlinked=true \
        avatar_kind=letter_avatar created_at=1 sequence=9";
    let expected: &[(&'static Table, &[&str])] = &[
        (&ORGANIZATIONS, &[row]),
        (&ORGANIZATION_OPTIONS, &["1/apdexThreshold: value=null"]),
        (&ORGANIZATION_FLAGS, &["1/early_adopter: is_set=true", "1/require_2fa: "]),
        (&ORGANIZATION_FEATURES, &["1/invite-team-roles: is_on=true"]),
    ];
    gives(lab, log, expected).await;
}

async fn organizations_change_and_go(lab: &Lab) {
    let created = |slug: &str| OrganizationEvent::OrganizationCreated {
        slug: slug.into(),
        name: "Acme".into(),
        default_role: role("member"),
    };
    let image = AvatarImage { uuid: "u".into(), digest: "d".into() };
    let to = Avatar { kind: AvatarKind::Upload, image: Some(image) };
    let flag = |to| OrganizationEvent::OrganizationFlagChanged { flag: "early_adopter".into(), to };
    let log = Log::default()
        .and(organization(1), created("acme"))
        .and(organization(2), created("globex"))
        .and(organization(2), flag(true))
        .and(organization(2), OrganizationEvent::FeatureSet { feature: Feature::InviteTeamRoles, on: true })
        .and(organization(1), flag(true))
        .and(organization(1), OrganizationEvent::EmailVerificationRequired {})
        .and(organization(1), OrganizationEvent::EmailVerificationRequirementLifted {})
        .and(
            organization(1),
            OrganizationEvent::OrganizationRenamed { from: "Acme".into(), to: "Apex".into() },
        )
        .and(
            organization(1),
            OrganizationEvent::OrganizationSlugChanged { from: "acme".into(), to: "apex".into() },
        )
        .and(organization(1), OrganizationEvent::AvatarChanged { from: Avatar::default(), to })
        .and(
            organization(1),
            OrganizationEvent::SsoEnabled {
                provider: "okta".into(),
                name: "Okta".into(),
                allow_unlinked: true,
            },
        )
        .and(organization(1), OrganizationEvent::SsoDisabled { provider: "okta".into() })
        .and(organization(1), OrganizationEvent::DeletionScheduled { due_at: Timestamp::default() })
        .and(organization(2), OrganizationEvent::DeletionScheduled { due_at: Timestamp::default() })
        .and(organization(1), OrganizationEvent::DeletionCancelled {})
        .and(organization(1), OrganizationEvent::DeletionScheduled { due_at: Timestamp::default() })
        .and(
            organization(2),
            OrganizationEvent::OrganizationDeleted { slug: "globex".into(), name: "Acme".into() },
        );
    let row = "1: slug=apex name=Apex default_role=member avatar_kind=upload avatar_uuid=u avatar_digest=d \
        deletion_due=0 created_at=1 sequence=12";
    let expected: &[(&'static Table, &[&str])] = &[
        (&ORGANIZATIONS, &[row]),
        (&ORGANIZATION_FLAGS, &["1/early_adopter: is_set=true", "1/require_email_verification: "]),
        (&ORGANIZATION_FEATURES, &[]),
    ];
    gives(lab, log, expected).await;
}

async fn tokens_are_listed_without_their_digests(lab: &Lab) {
    let issued =
        |owner, scopes| TokenEvent::TokenIssued { owner, scopes, digest: "d".into(), key_id: "k".into() };
    let scopes = ScopeSet::parse(["org:read", "member:read"]).unwrap();
    let (mine, theirs) = (id(TokenId::new, 5), id(TokenId::new, 6));
    let log = Log::default()
        .and(mine, issued(TokenOwner::User(id(UserId::new, 7)), None))
        .and(theirs, issued(TokenOwner::Organization(organization(1)), Some(scopes)))
        .and(mine, TokenEvent::TokenRevoked {});
    let mine = "5: user_id=7 revoked=true created_at=1 sequence=2";
    let theirs = r#"6: organization_id=1 scopes=["member:read","org:read"] created_at=2 sequence=1"#;
    gives(lab, log, &[(&TOKENS, &[mine, theirs])]).await;
}

#[test]
fn an_open_personal_value_gets_into_no_row() {
    let open = Personal::open(EmailAddress("bob@example.com".into()), Some(hash("bob")));
    let requested =
        MemberEvent::JoinRequested { organization: organization(1), email: open, org_role: role("member") };
    let tables = Log::default().and(member(41), requested).in_memory(1);
    let rows = format!("{tables:?}");
    assert!(!rows.contains("example.com"), "{rows}");
}
