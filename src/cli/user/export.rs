//! `muster user export`.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use muster_events::{
    claims::ClaimKind,
    id::{MemberId, OrganizationId, UserId},
    letter::{Letter, LetterId},
    member::Member,
    organization::Organization,
    personal::{Personal, PersonalText},
    recorded::ActorKind,
    stream::{Position, Sequence, StreamId},
    team::Team,
    user::User,
};
use serde_json::{Value, json};

use super::{concerned::Concerned, find};
use crate::{
    cli::{config::Settings, events::history, names::unsealed, open, screen::Screen, words},
    history::{History, Sight},
    ledger::Ledger,
    store::LogQuery,
};

/// Events that are read at once.
const PAGE: usize = 500;

/// `muster user export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Export {
    /// The account: id, user name or address
    user: String,
    /// Write to this file, which nobody else may read, in place of the screen
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let id = find(&deployment.ledger, &self.user, "USER").await?;
        let (ledger, history) = (&*deployment.ledger, history(&deployment));
        let up_to = ledger.store().head().await?.position;
        let person = Person { ledger, history, id, up_to };
        let document = person.document().await?;
        let Some(out) = &self.out else { return Ok(screen.json(&document)?) };
        let shown = out.display();
        let text = serde_json::to_string_pretty(&document)?;
        write(out, &text).with_context(|| format!("--out: {shown} cannot be written"))?;
        screen.line(format!("All that is stored of the account {id} is in {shown}."))?;
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Also where it was there before.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

/// Whose data is exported, and up to where.
struct Person<'a> {
    ledger: &'a Ledger,
    history: History,
    id: UserId,
    up_to: Position,
}

impl Person<'_> {
    async fn document(&self) -> Result<Value> {
        let user = self.ledger.state::<User>(&self.id.into()).await.map_err(words::failure)?.state;
        let concerned = Concerned::find(self.ledger, self.id, &user, self.up_to).await?;
        let mut events = self.events(&self.id.into(), Sequence::ZERO).await?;
        for (row, from) in &concerned.rows {
            events.extend(self.events(&(*row).into(), Sequence(from.0.saturating_sub(1))).await?);
        }
        let mut letters = vec![];
        for id in concerned.letters {
            letters.push(self.letter(id).await?);
        }
        Ok(json!({
            "position": self.history.at(self.up_to).to_string(), "account": self.account(&user).await,
            "memberships": self.memberships().await?, "events": events, "acted": self.acted().await?,
            "letters": letters,
        }))
    }

    async fn text<T: PersonalText>(&self, value: Option<&Personal<T>>) -> Option<String> {
        match value {
            Some(value) => Some(unsealed(self.ledger.keys(), value).await),
            None => None,
        }
    }

    async fn account(&self, user: &User) -> Value {
        let mut emails = vec![];
        for address in &user.addresses {
            let email = unsealed(self.ledger.keys(), &address.email).await;
            emails.push(json!({ "email": email, "verified": address.verified }));
        }
        let authenticators = user.authenticators.iter();
        let authenticators = authenticators.map(|(kind, at)| json!({ "kind": kind, "dateCreated": at }));
        json!({
            "id": self.id, "username": self.text(user.username.as_ref()).await,
            "name": self.text(user.name.as_ref()).await, "emails": emails,
            "authenticators": authenticators.collect::<Vec<_>>(), "superuser": user.superuser,
            "active": user.active, "dateCreated": user.created_at,
        })
    }

    async fn memberships(&self) -> Result<Vec<Value>> {
        let (kind, user) = (ClaimKind::Membership, self.id.to_string());
        let mut memberships = vec![];
        for held in self.ledger.store().claims_with_key(kind, &user, usize::MAX).await? {
            let ids =
                held.claim.scope.parse::<OrganizationId>().ok().zip(held.holder.parse::<MemberId>().ok());
            let Some((id, row)) = ids else { continue };
            let organization =
                self.ledger.state::<Organization>(&id.into()).await.map_err(words::failure)?.state;
            let member = self.ledger.state::<Member>(&row.into()).await.map_err(words::failure)?.state;
            let mut teams = vec![];
            for (id, role) in &member.teams {
                let team = self.ledger.state::<Team>(&(*id).into()).await.map_err(words::failure)?.state;
                teams.push(json!({ "id": id, "slug": team.slug, "role": role }));
            }
            memberships.push(json!({
                "organization": { "id": id, "slug": organization.slug, "name": organization.name },
                "member": row, "orgRole": member.org_role, "teams": teams, "flags": member.flags,
                "dateCreated": member.created_at,
            }));
        }
        Ok(memberships)
    }

    /// What happened to him; where others who did it sent their requests from is theirs.
    async fn events(&self, stream: &StreamId, mut after: Sequence) -> Result<Vec<Value>> {
        let mut shown = vec![];
        loop {
            let mut page = self.ledger.store().read_stream(stream, after, PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map_or(after, |last| last.sequence);
            page.retain(|event| event.position <= self.up_to);
            for event in self.history.show(&page, Sight::WITHOUT_ORIGIN).await? {
                shown.push(serde_json::to_value(event)?);
            }
            if is_last {
                return Ok(shown);
            }
        }
    }

    /// What he did, and from where. To whom he did it is not told: they are other persons.
    async fn acted(&self) -> Result<Vec<Value>> {
        let (mut acted, mut after) = (vec![], Position::ZERO);
        loop {
            let query = LogQuery {
                actor_kind: Some(ActorKind::User),
                actor_id: Some(self.id.to_string()),
                after: Some(after),
                up_to: Some(self.up_to),
                limit: PAGE,
                ..LogQuery::default()
            };
            let page = self.ledger.store().query(query).await?;
            after = page.last().map_or(after, |last| last.position);
            for event in self.history.show(&page, Sight::ALL).await? {
                acted.push(json!({
                    "position": event.position, "type": event.event_type, "recorded_at": event.recorded_at,
                    "organization": event.organization, "ip": event.metadata.get("ip"),
                    "user_agent": event.metadata.get("user_agent"),
                }));
            }
            if page.len() < PAGE {
                return Ok(acted);
            }
        }
    }

    /// A letter to him. Its text is not kept: it was made when it was sent.
    async fn letter(&self, id: LetterId) -> Result<Value> {
        let found = self.ledger.state::<Letter>(&id.into()).await.map_err(words::failure)?.state;
        let letter = found.letter.as_ref();
        Ok(json!({
            "id": id.to_string(), "kind": letter.map(|letter| letter.kind),
            "organization": letter.map(|letter| letter.organization),
            "to": self.text(letter.map(|letter| &letter.email)).await, "status": found.status,
            "events": self.events(&id.into(), Sequence::ZERO).await?,
        }))
    }
}
