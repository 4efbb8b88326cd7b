//! The links that open invitations.

use muster_events::id::MemberId;

use super::Ledger;

impl Ledger {
    /// The link that opens the invitation that `member` is, with its token of this `generation`. `base_url` is where
    /// people find this deployment; `referrer` is where they were invited from.
    pub fn invitation_link(
        &self,
        base_url: &str,
        member: MemberId,
        generation: u32,
        referrer: Option<&str>,
    ) -> String {
        let base = base_url.trim_end_matches('/');
        let token = self.keys().invitation_token(member, generation);
        let referrer = referrer.map(|referrer| format!("?referrer={referrer}")).unwrap_or_default();
        format!("{base}/accept/{member}/{token}/{referrer}")
    }
}
