//! `muster org create`.

use anyhow::{Result, bail};
use muster_events::refusal::Refusal;

use crate::{
    cli::{
        config::Settings,
        import, open,
        screen::{Screen, Shape},
        user, words,
    },
    ledger::{
        CommandMeta, Outcome, Turn,
        operations::{ImportOrganization, MemberFact, Person},
    },
};

/// `muster org create`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Create {
    /// The slug, by which URLs name the organization
    slug: String,
    /// The first owner: id, user name or address of an account
    #[arg(long, value_name = "USER")]
    owner: String,
    /// The display name [default: the slug]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    shape: Shape,
}

impl Create {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let ledger = &deployment.ledger;
        let owner = user::find(ledger, &self.owner, "--owner").await?;
        let top = import::roles_in_force(ledger).await?.top().clone();
        let create = ImportOrganization {
            slug: self.slug.clone(),
            name: self.name.unwrap_or_else(|| self.slug.clone()),
            default_role: None,
            settings: vec![],
            features: vec![],
            sso: None,
            teams: vec![],
            owner: MemberFact { person: Person::User(owner), role: top, teams: vec![], flags: vec![] },
        };
        let id = match ledger.execute(&create, &CommandMeta::system(), Turn::unkeyed()).await {
            // An import leaves an organization alone that is there already; who creates one must know.
            Ok(Outcome::Done(executed)) if !executed.changed_anything() => {
                bail!("SLUG: {}", words::refusal(&Refusal::SlugTaken { slug: self.slug }));
            }
            outcome => words::carried_out(outcome)?.id,
        };
        if self.shape.json {
            screen.json(&serde_json::json!({ "id": id, "slug": self.slug }))?;
        } else {
            screen.line(format!("The organization {} is created, with the id {id}.", self.slug))?;
        }
        Ok(())
    }
}
