//! The kinds of audit entries, with the numbers and names that clients of this wire format know.

/// Names each kind once: number, name, name in the API, and the stored types of the events that can make such an entry.
macro_rules! kinds {
    ($($kind:ident = $number:literal $api_name:literal [$($event_type:ident)*])*) => {
        /// What an entry says happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the names are those of the table in behaviour.md 11")]
        pub enum Kind {
            $($kind),*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The number of behaviour.md 11.
            pub fn number(self) -> u16 {
                match self { $(Self::$kind => $number),* }
            }

            /// The name in the API.
            pub fn api_name(self) -> &'static str {
                match self { $(Self::$kind => $api_name),* }
            }

            /// The stored types of the events that can make an entry of this kind.
            pub fn event_types(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$(stringify!($event_type)),*]),* }
            }
        }
    };
}

kinds! {
    MemberInvite = 1 "member.invite" [MemberInvited InviteApproved]
    MemberAdd = 2 "member.add" [MemberAdded]
    MemberAccept = 3 "member.accept-invite" [InviteAccepted]
    MemberEdit = 4 "member.edit" [
        OrgRoleChanged TeamAssigned TeamUnassigned TeamRoleChanged TeamRoleCleared SsoUnlinked MemberFlagSet
        MemberFlagCleared
    ]
    MemberRemove = 5 "member.remove" [MemberRemoved InviteRevoked]
    MemberJoinTeam = 6 "member.join-team" [TeamAssigned]
    MemberLeaveTeam = 7 "member.leave-team" [TeamUnassigned]
    MemberPending = 8 "member.pending" [MemberReturnedToPending]
    OrgAdd = 10 "org.create" [OrganizationCreated]
    OrgEdit = 11 "org.edit" [
        OrganizationOptionChanged OrganizationFlagChanged DefaultRoleChanged TwoFactorRequired
        TwoFactorRequirementLifted EmailVerificationRequired EmailVerificationRequirementLifted OrganizationRenamed
        OrganizationSlugChanged FeatureSet
    ]
    OrgRemove = 12 "org.remove" [DeletionScheduled]
    OrgRestore = 13 "org.restore" [DeletionCancelled]
    TeamAdd = 20 "team.create" [TeamCreated]
    TeamEdit = 21 "team.edit" [TeamRenamed TeamSlugChanged TeamFlagged]
    TeamRemove = 22 "team.remove" [TeamDeleted]
    SsoEnable = 60 "sso.enable" [SsoEnabled]
    SsoDisable = 61 "sso.disable" [SsoDisabled]
    SsoEdit = 62 "sso.edit" [SsoChanged]
    SsoIdentityLink = 63 "sso-identity.link" [SsoLinked]
    InviteRequestAdd = 140 "invite-request.create" [InviteRequested JoinRequested]
    InviteRequestRemove = 141 "invite-request.remove" [InviteRequestRejected]
    InviteRemove = 142 "invite.remove" []
    MemberReinvite = 204 "member.reinvite" [InviteResent InviteTokenRegenerated SsoLinkRequested]
    OrgConsolePlatformEdit = 1158 "org.console-platform.edit" [OrganizationOptionChanged]
}

impl Kind {
    /// The kind with this name in the API.
    pub fn by_api_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.api_name() == name)
    }

    /// Whether it tells of a birth: what the same command changed besides belongs to it.
    pub fn opens(self) -> bool {
        self.later().is_some()
    }

    /// The kind of the entries that sum up what happens to the same things later, for one that tells of a birth.
    fn later(self) -> Option<Self> {
        match self {
            Self::MemberInvite | Self::MemberAdd | Self::InviteRequestAdd => Some(Self::MemberEdit),
            Self::OrgAdd => Some(Self::OrgEdit),
            Self::TeamAdd => Some(Self::TeamEdit),
            _ => None,
        }
    }

    /// The stored types that have to be read to know all entries of this kind, and these whole: a birth takes up the
    /// changes that came with it.
    pub fn needed_types(self) -> Vec<&'static str> {
        let own = self.event_types();
        if own.is_empty() {
            return vec![];
        }
        if matches!(self, Self::OrgEdit | Self::OrgRestore) {
            // Each has to be told from the other.
            let both = [Self::OrgEdit, Self::OrgRestore, Self::OrgAdd];
            return both.iter().flat_map(|kind| kind.event_types()).copied().collect();
        }
        let births = Self::ALL.iter().filter(|kind| kind.opens() && !self.opens());
        own.iter().chain(births.chain(&self.later()).flat_map(|kind| kind.event_types())).copied().collect()
    }
}
