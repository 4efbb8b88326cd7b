//! What somebody who looks at an invitation is told.

use muster_events::member::InvitationDetails;
use serde::Serialize;
use utoipa::ToSchema;

/// An invitation, as whoever has its link sees it (behaviour.md 4.5).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Invitation {
    org_slug: String,
    /// A token of the person who accepts has to be shown
    needs_authentication: bool,
    /// The person has to enrol a second factor before
    #[serde(rename = "needs2fa")]
    needs_2fa: bool,
    /// The organization has an SSO provider
    needs_sso: bool,
    has_auth_provider: bool,
    /// Accepting alone makes nobody a member, unless he is linked at the provider
    require_sso: bool,
    /// The person is a member already
    existing_member: bool,
    /// Always false
    needs_email_verification: bool,
    /// The display name of the provider, where there is one
    #[serde(skip_serializing_if = "Option::is_none")]
    sso_provider: Option<String>,
}

impl From<InvitationDetails> for Invitation {
    fn from(details: InvitationDetails) -> Self {
        let has_provider = details.sso_provider.is_some();
        Self {
            org_slug: details.organization_slug,
            needs_authentication: details.needs_authentication,
            needs_2fa: details.needs_second_factor,
            needs_sso: has_provider,
            has_auth_provider: has_provider,
            require_sso: details.requires_sso,
            existing_member: details.existing_member,
            needs_email_verification: false,
            sso_provider: details.sso_provider,
        }
    }
}
