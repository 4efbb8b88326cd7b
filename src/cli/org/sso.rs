//! `muster org sso`.

use anyhow::Result;
use muster_events::organization::SsoProvider;
use serde_json::json;

use super::administer::{Said, Target};
use crate::{
    cli::{config::Settings, exit::Usage, screen::Screen, switch::Switch},
    ledger::operations::{AdministerOrganization, SsoChange},
};

/// `muster org sso`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Sso {
    /// Whether members log in through a provider
    #[arg(value_enum)]
    to: Switch,
    /// The kind of provider, such as okta; needed for on
    #[arg(long)]
    provider: Option<String>,
    /// What the provider is called [default: the kind]
    #[arg(long)]
    name: Option<String>,
    /// Members whose identity is not linked yet may go on
    #[arg(long)]
    allow_unlinked: bool,
    #[command(flatten)]
    target: Target,
}

impl Sso {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let (sso, said) = match (self.to, self.provider) {
            (Switch::Off, None) if self.name.is_none() && !self.allow_unlinked => {
                let sentence = "single sign-on is off".to_owned();
                (SsoChange::Off, Said { sentence, fields: json!({ "sso": null }) })
            }
            (Switch::Off, _) => {
                return Err(Usage("--provider, --name and --allow-unlinked go with on only".into()).into());
            }
            (Switch::On, None) => {
                return Err(Usage("--provider: the kind of provider is needed".into()).into());
            }
            (Switch::On, Some(provider)) => {
                if provider.trim().is_empty() {
                    return Err(Usage("--provider: the kind of provider is needed".into()).into());
                }
                if self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                    return Err(Usage("--name: what the provider is called is needed".into()).into());
                }
                let too_long = |text: &str| text.chars().count() > SsoProvider::MAX_TEXT;
                if too_long(&provider) || self.name.as_deref().is_some_and(too_long) {
                    let most = SsoProvider::MAX_TEXT;
                    return Err(Usage(format!("--provider, --name: at most {most} characters")).into());
                }
                let (name, allow_unlinked) =
                    (self.name.unwrap_or_else(|| provider.clone()), self.allow_unlinked);
                let sentence = format!("members log in through {name}");
                let sso = json!({ "provider": provider, "name": name, "allowUnlinked": allow_unlinked });
                let on = SsoChange::On(SsoProvider { provider, name, allow_unlinked });
                (on, Said { sentence, fields: json!({ "sso": sso }) })
            }
        };
        let asked = AdministerOrganization { sso: Some(sso), ..AdministerOrganization::default() };
        self.target.run(settings, asked, said, screen).await
    }
}
