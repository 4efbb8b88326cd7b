//! `muster org feature`.

use anyhow::Result;
use muster_events::organization;
use serde_json::json;

use super::administer::{Said, Target};
use crate::{
    cli::{config::Settings, exit::Usage, screen::Screen, switch::Switch},
    ledger::operations::AdministerOrganization,
};

/// `muster org feature`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Feature {
    /// The feature, such as invite-team-roles
    name: String,
    /// Whether the organization has it
    #[arg(value_enum)]
    to: Switch,
    #[command(flatten)]
    target: Target,
}

impl Feature {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let feature = organization::Feature::by_name(&self.name).ok_or_else(|| {
            let known: Vec<_> = organization::Feature::all().iter().map(|feature| feature.name()).collect();
            Usage(format!("NAME: \"{}\" is no feature; there are {}", self.name, known.join(", ")))
        })?;
        let said = Said {
            sentence: format!("the feature {feature} is {}", self.to),
            fields: json!({ "feature": feature.name(), "on": self.to.is_on() }),
        };
        let asked = AdministerOrganization {
            features: vec![(feature, self.to.is_on())],
            ..AdministerOrganization::default()
        };
        self.target.run(settings, asked, said, screen).await
    }
}
