//! Who stays when a requirement would take every owner out of an organization (behaviour.md D16, D35).

use crate::{
    id::{MemberId, UserId},
    member::PendingReason,
    organization::{Feature, Organization},
    stream::Position,
    user::User,
};

/// An owner of an organization, as far as a requirement is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerStanding {
    /// His membership.
    pub member: MemberId,
    /// His account.
    pub user: UserId,
    /// Whether his account meets the requirement.
    pub complies: bool,
    /// Where in the log he became an owner.
    pub since: Position,
}

/// The owner who stays although his account does not meet a requirement; none where another one meets it. He is the same
/// whatever part of the others has gone already.
pub fn who_stays(owners: &[OwnerStanding], requester: Option<UserId>) -> Option<MemberId> {
    if owners.iter().any(|owner| owner.complies) {
        return None;
    }
    let requester = owners.iter().find(|owner| Some(owner.user) == requester);
    requester.or_else(|| owners.iter().min_by_key(|owner| owner.since)).map(|owner| owner.member)
}

impl PendingReason {
    /// Whether `user` is without what the requirement asks for.
    pub fn applies_to(self, user: &User) -> bool {
        match self {
            Self::NoSecondFactor => !user.has_second_factor(),
            Self::EmailNotVerified => !user.addresses.first().is_some_and(|primary| primary.verified),
        }
    }

    /// Whether the organization asks for it.
    pub fn applies_in(self, organization: &Organization) -> bool {
        match self {
            Self::NoSecondFactor => organization.flag("require_2fa"),
            Self::EmailNotVerified => {
                organization.has_feature(Feature::RequiredEmailVerification)
                    && organization.flag("require_email_verification")
            }
        }
    }
}
