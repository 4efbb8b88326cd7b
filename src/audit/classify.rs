//! Which entries an event makes, in one table: an event that is missing here does not compile.

use muster_events::{
    definitions::RolesEvent,
    event::Event,
    letter::LetterEvent,
    member::{AssignedHow, MemberEvent, UnassignedHow},
    organization::{OrganizationEvent, Setting},
    team::TeamEvent,
    token::TokenEvent,
    user::UserEvent,
};

use super::{
    Kind::{
        self, InviteRequestAdd, InviteRequestRemove, MemberAccept, MemberAdd, MemberEdit, MemberInvite,
        MemberJoinTeam, MemberLeaveTeam, MemberPending, MemberReinvite, MemberRemove, OrgAdd,
        OrgConsolePlatformEdit, OrgEdit, OrgRemove, OrgRestore, SsoDisable, SsoEdit, SsoEnable,
        SsoIdentityLink, TeamAdd, TeamEdit, TeamRemove,
    },
    classify::Class::{Own, OwnAndPart, Part, Silent},
};

/// What an event is to the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An entry of its own.
    Own(Kind),
    /// A part of the entry that sums up what the command changed.
    Part(Kind),
    /// An entry of its own, and a part of the one that sums up.
    OwnAndPart(Kind, Kind),
    /// Nothing that an organization is audited for; the history has it.
    Silent,
}

/// What an event is to the audit log.
pub fn classify(event: &Event) -> Class {
    match event {
        Event::Member(event) => of_member(event),
        Event::Organization(event) => of_organization(event),
        Event::Team(event) => of_team(event),
        // Accounts, tokens and roles belong to the deployment, not to an organization.
        Event::User(
            UserEvent::UserRegistered { .. }
            | UserEvent::UserRenamed { .. }
            | UserEvent::EmailAdded { .. }
            | UserEvent::EmailRemoved { .. }
            | UserEvent::PrimaryEmailChanged { .. }
            | UserEvent::EmailVerified { .. }
            | UserEvent::AuthenticatorEnrolled { .. }
            | UserEvent::AuthenticatorRemoved { .. }
            | UserEvent::UserDeactivated { .. }
            | UserEvent::UserReactivated { .. }
            | UserEvent::SuperuserGranted {}
            | UserEvent::SuperuserRevoked {}
            | UserEvent::UserErased { .. },
        )
        | Event::Token(TokenEvent::TokenIssued { .. } | TokenEvent::TokenRevoked {})
        | Event::Roles(RolesEvent::RolesDefined { .. })
        // What a letter tells of has an entry.
        | Event::Letter(
            LetterEvent::LetterQueued { .. }
            | LetterEvent::LetterSent { .. }
            | LetterEvent::LetterAttemptFailed { .. }
            | LetterEvent::LetterDropped { .. }
            | LetterEvent::LetterParked {}
            | LetterEvent::LetterReleased {},
        ) => Silent,
    }
}

fn of_member(event: &MemberEvent) -> Class {
    match event {
        // A request that was approved is an invitation from then on (behaviour.md 4.6).
        MemberEvent::MemberInvited { .. } | MemberEvent::InviteApproved { .. } => Own(MemberInvite),
        MemberEvent::MemberAdded { .. } => Own(MemberAdd),
        MemberEvent::InviteRequested { .. } | MemberEvent::JoinRequested { .. } => Own(InviteRequestAdd),
        MemberEvent::InviteRequestRejected { .. } => Own(InviteRequestRemove),
        MemberEvent::InviteResent { .. }
        | MemberEvent::InviteTokenRegenerated { .. }
        | MemberEvent::SsoLinkRequested { .. } => Part(MemberReinvite),
        MemberEvent::MemberRemoved { .. } | MemberEvent::InviteRevoked { .. } => Own(MemberRemove),
        MemberEvent::InviteAccepted { .. } => Own(MemberAccept),
        MemberEvent::TeamAssigned { how: AssignedHow::Joined, .. } => Own(MemberJoinTeam),
        MemberEvent::TeamAssigned {
            how: AssignedHow::Replaced | AssignedHow::Invited | AssignedHow::Imported,
            ..
        } => OwnAndPart(MemberJoinTeam, MemberEdit),
        MemberEvent::TeamUnassigned { how: UnassignedHow::Replaced, .. } => {
            OwnAndPart(MemberLeaveTeam, MemberEdit)
        }
        MemberEvent::TeamUnassigned { how: UnassignedHow::Left | UnassignedHow::TeamDeleted, .. } => {
            Own(MemberLeaveTeam)
        }
        MemberEvent::OrgRoleChanged { .. }
        | MemberEvent::TeamRoleChanged { .. }
        | MemberEvent::TeamRoleCleared { .. }
        | MemberEvent::SsoUnlinked { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. } => Part(MemberEdit),
        MemberEvent::SsoLinked { .. } => Own(SsoIdentityLink),
        // Time did the first, what comes of the next ones, an assignment, has an entry of its own, and so has the open
        // invitation that an erasure ends.
        MemberEvent::InviteExpired { .. }
        | MemberEvent::TeamAccessRequested { .. }
        | MemberEvent::TeamAccessApproved { .. }
        | MemberEvent::TeamAccessDenied { .. }
        | MemberEvent::InviteeErased {} => Silent,
        MemberEvent::MemberReturnedToPending { .. } => Own(MemberPending),
    }
}

fn of_organization(event: &OrganizationEvent) -> Class {
    match event {
        OrganizationEvent::OrganizationCreated { .. } => Own(OrgAdd),
        OrganizationEvent::OrganizationOptionChanged { option, from, to }
            if from.is_null() && is_default(option, to) =>
        {
            Silent
        }
        OrganizationEvent::OrganizationOptionChanged { option, .. } if option == CONSOLE_PLATFORMS => {
            Own(OrgConsolePlatformEdit)
        }
        OrganizationEvent::OrganizationOptionChanged { .. }
        | OrganizationEvent::OrganizationFlagChanged { .. }
        | OrganizationEvent::DefaultRoleChanged { .. }
        | OrganizationEvent::TwoFactorRequired {}
        | OrganizationEvent::TwoFactorRequirementLifted {}
        | OrganizationEvent::EmailVerificationRequired {}
        | OrganizationEvent::EmailVerificationRequirementLifted {}
        | OrganizationEvent::OrganizationRenamed { .. }
        | OrganizationEvent::OrganizationSlugChanged { .. }
        | OrganizationEvent::FeatureSet { .. } => Part(OrgEdit),
        OrganizationEvent::SsoEnabled { .. } => Own(SsoEnable),
        OrganizationEvent::SsoChanged { .. } => Own(SsoEdit),
        OrganizationEvent::SsoDisabled { .. } => Own(SsoDisable),
        OrganizationEvent::DeletionScheduled { .. } => Own(OrgRemove),
        OrganizationEvent::DeletionCancelled {} => Part(OrgRestore),
        // Pictures are no settings to an audit (behaviour.md 7.4); that the end was asked for has an entry.
        OrganizationEvent::AvatarChanged { .. } | OrganizationEvent::OrganizationDeleted { .. } => Silent,
    }
}

fn of_team(event: &TeamEvent) -> Class {
    match event {
        TeamEvent::TeamCreated { .. } => Own(TeamAdd),
        TeamEvent::TeamDeleted { .. } => Own(TeamRemove),
        TeamEvent::TeamRenamed { .. } | TeamEvent::TeamSlugChanged { .. } | TeamEvent::TeamFlagged { .. } => {
            Part(TeamEdit)
        }
    }
}

/// Whether an option that is stored for the first time stays what it was (behaviour.md 7.4).
fn is_default(option: &str, value: &serde_json::Value) -> bool {
    Setting::by_field(option).is_some_and(|setting| setting.default_value() == *value)
}

/// The setting that has a kind of its own (behaviour.md 7.1).
pub(super) const CONSOLE_PLATFORMS: &str = "enabledConsolePlatforms";
