//! Random commands on everything but members.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{ADDRESSES, ORG_ROLES, TEAM_ROLES, org_role, roles};
use crate::{
    access::Requester,
    claims::Place,
    definitions::RolesCommand,
    organization::{
        AvatarImage, AvatarKind, AvatarUpdate, Feature, NewOrganization, OrganizationCommand,
        OrganizationContext, OrganizationUpdate, settings,
    },
    personal::Personal,
    roles::RolesDefinition,
    specification::{
        MIA, SOMEBODY, acme, earlier, email, globex, hash, in_thirty_days, manager, member, owner,
        plain_member, role, scopes, user, username,
    },
    team::{TeamCommand, TeamFlag},
    token::{TokenCommand, TokenOwner},
    user::{Authenticator, Naming, UserCommand},
};

fn setting_value() -> impl Strategy<Value = Value> {
    select(vec![
        json!(true),
        json!("off"),
        json!(null),
        json!(0),
        json!(0.5),
        json!(60),
        json!("member"),
        json!("project"),
        json!("organization"),
        json!(["password"]),
        json!(["xbox", "xbox"]),
        json!({}),
    ])
}

fn of_existing_organization() -> impl Strategy<Value = OrganizationCommand> {
    let field = select(settings()).prop_map(|setting| setting.field.to_owned());
    let changes = prop::collection::btree_map(field, setting_value(), 1..4);
    prop_oneof![
        6 => (changes, any::<bool>()).prop_map(|(changes, by_staff)| OrganizationCommand::ChangeSettings {
            changes: changes.into_iter().collect(),
            by_staff,
            roles: roles(),
        }),
        1 => org_role().prop_map(|role| OrganizationCommand::ChangeDefaultRole { role, roles: roles() }),
        1 => (select(&["okta", "google"][..]), any::<bool>()).prop_map(|(provider, allow_unlinked)| {
            OrganizationCommand::EnableSso { provider: provider.into(), name: provider.into(), allow_unlinked }
        }),
        1 => Just(OrganizationCommand::DisableSso),
        1 => update().prop_map(|(by, update)| OrganizationCommand::Update(Box::new(update), context(by))),
        1 => select(vec![owner(), manager()])
            .prop_map(|by| OrganizationCommand::ScheduleDeletion(context(by))),
        1 => Just(OrganizationCommand::CancelDeletion),
        1 => select(vec![earlier(), in_thirty_days()])
            .prop_map(|now| OrganizationCommand::CarryOutDeletion { now }),
        2 => (select(Feature::all()), any::<bool>())
            .prop_map(|(feature, on)| OrganizationCommand::SetFeature { feature, on }),
    ]
}

fn context(requester: Requester) -> Arc<OrganizationContext> {
    let (organization, now) = (acme(), earlier());
    Arc::new(OrganizationContext { requester, organization, roles: roles(), now, slug_holder: None })
}

fn update() -> impl Strategy<Value = (Requester, OrganizationUpdate)> {
    let by = select(vec![owner().with(Authenticator::Totp), manager(), plain_member()]);
    let name = prop::option::of(select(&["Acme", "Apex", ""][..]).prop_map(str::to_owned));
    let slug = prop::option::of(select(&["acme", "apex", "a"][..]).prop_map(str::to_owned));
    let image = prop::option::of(
        select(&["1", "2"][..]).prop_map(|image| AvatarImage { uuid: image.into(), digest: image.into() }),
    );
    let avatar = (prop::option::of(select(&AvatarKind::ALL[..])), image).prop_map(|(kind, image)| {
        AvatarUpdate { kind, image, kind_field: "avatarType", without_image: "there is none" }
    });
    (by, name, slug, avatar, any::<bool>()).prop_map(|(by, name, slug, avatar, restores)| {
        let avatar = Some(avatar);
        (by, OrganizationUpdate { name, slug, avatar, restores, ..OrganizationUpdate::default() })
    })
}

fn create_organization() -> impl Strategy<Value = OrganizationCommand> {
    (select(&["acme", "globex", "x"][..]), org_role()).prop_map(|(slug, default_role)| {
        let (slug, name) = (slug.to_owned(), slug.to_owned());
        OrganizationCommand::Create(NewOrganization { slug, name, default_role, roles: roles() })
    })
}

pub(in crate::histories) fn of_an_organization() -> impl Strategy<Value = Vec<OrganizationCommand>> + Clone {
    let command = prop_oneof![1 => create_organization(), 12 => of_existing_organization()].boxed();
    let create = prop::collection::vec(create_organization(), 2);
    (create, prop::collection::vec(command, 0..20))
        .prop_map(|(create, later)| create.into_iter().chain(later).collect())
        .boxed()
}

pub(in crate::histories) fn of_a_team() -> impl Strategy<Value = Vec<TeamCommand>> + Clone {
    let flag = select(vec![TeamFlag::IdpProvisioned, TeamFlag::BeingDeleted]);
    let command = prop_oneof![
        1 => select(&["web", "", "Web"][..]).prop_map(|slug| {
            TeamCommand::Create { organization: acme(), slug: slug.into(), name: "Web".into() }
        }),
        2 => (flag, any::<bool>()).prop_map(|(flag, to)| TeamCommand::Flag(flag, to)),
    ];
    prop::collection::vec(command, 0..12).boxed()
}

fn place() -> impl Strategy<Value = Place> {
    select(vec![
        Place { organization: acme(), member: member(MIA) },
        Place { organization: globex(), member: member(SOMEBODY) },
    ])
}

pub(in crate::histories) fn of_a_user() -> impl Strategy<Value = Vec<UserCommand>> + Clone {
    let places = || prop::collection::vec(place(), 0..3);
    let command = prop_oneof![
        3 => (select(ADDRESSES), any::<bool>()).prop_map(|(address, named)| UserCommand::Register {
            username: username("mia"),
            name: named.then(|| Personal::open("Mia".into(), None)),
            email: email(address),
        }),
        3 => (select(ADDRESSES), places())
            .prop_map(|(address, memberships)| UserCommand::AddEmail { email: email(address), memberships }),
        3 => select(ADDRESSES).prop_map(|address| UserCommand::VerifyEmail { email: hash(address) }),
        2 => select(&Authenticator::ALL[..]).prop_map(|kind| UserCommand::EnrolAuthenticator { kind }),
        1 => select(&Authenticator::ALL[..]).prop_map(|kind| UserCommand::RemoveAuthenticator { kind }),
        2 => (select(ADDRESSES), places()).prop_map(|(address, memberships)| UserCommand::RemoveEmail {
            email: hash(address),
            memberships,
        }),
        2 => select(ADDRESSES).prop_map(|address| UserCommand::ChoosePrimaryEmail { email: hash(address) }),
        1 => (any::<bool>(), prop::option::of(any::<bool>())).prop_map(|(renamed, name)| UserCommand::Rename {
            username: renamed.then(|| username("max")),
            name: match name {
                None => Naming::Stays,
                Some(false) => Naming::Cleared,
                Some(true) => Naming::Named(Personal::open("Max".into(), None)),
            },
        }),
        1 => places().prop_map(|owns| UserCommand::Deactivate { owns }),
        1 => places().prop_map(|owns| UserCommand::Reactivate { owns }),
        1 => Just(UserCommand::GrantSuperuser),
        1 => Just(UserCommand::RevokeSuperuser),
        1 => places().prop_map(|owns| UserCommand::Erase { owns, invitees: vec![] }),
    ];
    prop::collection::vec(command, 0..16).boxed()
}

pub(in crate::histories) fn of_a_token() -> impl Strategy<Value = Vec<TokenCommand>> + Clone {
    let owner = select(vec![TokenOwner::User(user(MIA)), TokenOwner::Organization(acme())]);
    let limit = prop::option::of(Just(scopes(&["member:admin", "org:read"])));
    let command = prop_oneof![
        (owner, limit).prop_map(|(owner, scopes)| {
            TokenCommand::Issue { owner, scopes, digest: "d1".into(), key_id: "k1".into() }
        }),
        Just(TokenCommand::Revoke),
    ];
    prop::collection::vec(command, 0..6).boxed()
}

pub(in crate::histories) fn of_the_roles() -> impl Strategy<Value = Vec<RolesCommand>> + Clone {
    let held = |texts: &'static [&'static str]| {
        prop::collection::btree_set(select(texts).prop_map(role), 0..3).prop_map(BTreeSet::from)
    };
    let content = select(vec![RolesDefinition::bundled(), roles().definition().clone()]);
    let command = (content, held(ORG_ROLES), held(TEAM_ROLES)).prop_map(
        |(content, held_org_roles, held_team_roles)| RolesCommand::Define {
            content,
            held_org_roles,
            held_team_roles,
        },
    );
    prop::collection::vec(command, 0..6).boxed()
}
