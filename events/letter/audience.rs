//! Who gets letters of which kind (behaviour.md 10): asked when they are queued, and again when they are sent.

use super::{About, LetterKind};
use crate::{
    id::{MemberId, TeamId},
    organization::{Feature, Organization},
    roles::{RoleId, Roles},
};

/// Who is to get a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever this row is for: the invited address, or the person who is the member.
    Of(MemberId),
    /// Everybody with an account in the organization.
    Everybody,
    /// The owners.
    Owners,
    /// Whoever may let somebody in: whose role has `member:write`.
    WhoMayLetIn,
    /// Whoever may put somebody on this team: owners and managers, and on the team its admins and those whose role has
    /// `team:write`.
    WhoMayPutOn(TeamId),
}

/// How a member stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// His organization role.
    pub org_role: &'a RoleId,
    /// His explicit role on the team that the letter is about; none where he is not on it.
    pub on_team: Option<Option<&'a RoleId>>,
}

impl Audience {
    /// Who gets letters of this kind about this; none where it names nobody.
    pub fn of(kind: LetterKind, about: &About) -> Option<Self> {
        match kind {
            LetterKind::Invitation
            | LetterKind::SecondFactor
            | LetterKind::VerifyEmail
            | LetterKind::SsoLink
            | LetterKind::TeamAccessApproved => about.member.map(Self::Of),
            LetterKind::SsoDisabled => Some(Self::Everybody),
            LetterKind::TeamAccessRequest => about.team.map(Self::WhoMayPutOn),
            LetterKind::InviteRequest | LetterKind::JoinRequest => Some(Self::WhoMayLetIn),
            LetterKind::Deletion => Some(Self::Owners),
        }
    }

    /// Whether a member of the organization who stands so is one of them. Of whom a letter is for alone it is not asked.
    pub fn includes(self, standing: Standing<'_>, organization: &Organization, roles: &Roles) -> bool {
        let options = organization.scope_options();
        let org_scopes = || roles.org_scopes(standing.org_role, &options);
        match self {
            Self::Of(_) | Self::Everybody => true,
            Self::Owners => standing.org_role == roles.top(),
            Self::WhoMayLetIn => org_scopes().any_of(&["member:write", "member:admin"]),
            Self::WhoMayPutOn(_) => {
                let by_team_role = |explicit| {
                    let team_roles = organization.has_feature(Feature::TeamRoles);
                    let role = roles.effective_team_role(standing.org_role, explicit, team_roles);
                    role.is_some_and(|role| roles.team_scopes(role, &options).contains("team:write"))
                };
                let on_team = |explicit| org_scopes().contains("team:write") || by_team_role(explicit);
                roles.is_global(standing.org_role) || standing.on_team.is_some_and(on_team)
            }
        }
    }
}
