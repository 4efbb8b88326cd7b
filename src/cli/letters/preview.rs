//! `muster letters preview`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use muster_events::letter::LetterKind;

use crate::{
    cli::{exit::Usage, screen::Screen},
    email::{Templates, compose, sample},
};

/// `muster letters preview`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Preview {
    /// The kind of letter, such as organization.invite
    kind: LetterKind,
    /// Where to: FILE.html or FILE.txt for that part, FILE.eml for the whole message
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A directory with templates that take the place of the bundled ones of their names
    #[arg(long, env = "MUSTER_MAIL_TEMPLATES", value_name = "DIR")]
    mail_templates: Option<PathBuf>,
}

impl Preview {
    pub(super) fn run(self, screen: &mut Screen) -> Result<()> {
        let templates = Templates::load(self.mail_templates.as_deref())
            .map_err(|error| Usage(format!("--mail-templates: {error}")))?;
        let content = sample(self.kind);
        let rendered = templates.render(self.kind, &content)?;
        let subject = rendered.subject.clone();
        let bytes = match self.out.extension().and_then(|extension| extension.to_str()) {
            Some("html") => rendered.html.into_bytes(),
            Some("txt") => rendered.text.into_bytes(),
            Some("eml") => {
                let id = muster_events::letter::LetterId::derive(
                    uuid::Uuid::nil(),
                    self.kind,
                    muster_events::letter::Recipient::User(muster_events::id::UserId::new(1)?),
                );
                let from = "muster <muster@localhost>".parse()?;
                compose((id, self.kind), &from, &content.recipient, rendered)?.formatted()
            }
            _ => return Err(Usage("--out: FILE.html, FILE.txt or FILE.eml is needed".into()).into()),
        };
        let shown = self.out.display();
        std::fs::write(&self.out, bytes).with_context(|| format!("--out: {shown} cannot be written"))?;
        screen.line(format!("\"{subject}\" is in {shown}."))?;
        Ok(())
    }
}
