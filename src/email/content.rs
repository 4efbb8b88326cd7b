//! What a letter says now: looked up in the log when its turn comes, and nowhere kept. Or why it says nothing any more.

use muster_events::{
    id::{MemberId, OrganizationId},
    letter::{Audience, DropReason, LetterId, LetterKind, NewLetter, Recipient, Standing},
    member::{InviteStatus, Member, MemberFlag},
    organization::Organization,
    team::Team,
    time::Timestamp,
    user::User,
};

use super::MailOptions;
use crate::{
    ledger::{Failure, Ledger},
    store::{LogQuery, Order, StoreError},
};

/// A person whom a letter names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// His name; his address, where he has none.
    pub name: String,
    /// His address.
    pub email: String,
    /// His user name, where he has an account.
    pub username: Option<String>,
}

/// How an organization was asked to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// When it was asked for.
    pub asked_at: String,
    /// When it happens.
    pub due_at: String,
    /// The address that it was asked for from; none where it was not written down, or its person was erased.
    pub user_ip_address: Option<String>,
}

/// What a letter says. Nothing for what has no place in letters of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// What this product is called.
    pub product_name: String,
    /// Where it is found.
    pub base_url: String,
    /// The recipient's address.
    pub recipient: String,
    /// The name of the organization.
    pub organization: String,
    /// Where the recipient can do what the letter asks for.
    pub url: String,
    /// Who did what the letter tells of.
    pub actor: Option<Who>,
    /// Whom it is about.
    pub member: Option<Who>,
    /// The slug of the team.
    pub team: Option<String>,
    /// The single sign-on provider.
    pub provider: Option<String>,
    /// When the invitation ends.
    pub expires: Option<String>,
    /// Where it is set whether anybody can ask to be let in.
    pub settings_link: Option<String>,
    /// How the organization ends.
    pub deletion: Option<Deletion>,
}

/// Looks up what letters say.
pub(super) struct Contents<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) options: &'a MailOptions,
}

type Found<T> = Result<Result<T, DropReason>, Failure>;

impl Contents<'_> {
    /// What `letter` says at `now`, or why it makes no sense any more.
    pub(super) async fn of(&self, id: LetterId, letter: &NewLetter, now: Timestamp) -> Found<Content> {
        let organization = self.ledger.state::<Organization>(&letter.organization.into()).await?.state;
        if !organization.exists() {
            return Ok(Err(DropReason::OrganizationGone));
        }
        let Some(email) = self.text(&letter.email).await? else {
            return Ok(Err(DropReason::RecipientErased));
        };
        if !self.is_there(letter, &organization).await? {
            return Ok(Err(DropReason::RecipientLeft));
        }
        let mut content = Content {
            product_name: self.options.product_name.clone(),
            base_url: self.options.base_url.clone(),
            recipient: email,
            organization: organization.name.clone(),
            provider: letter.about.provider.clone(),
            ..Content::default()
        };
        if let Some(actor) = letter.about.actor {
            content.actor = self.person(actor).await?;
        }
        if let Err(why) = self.complete(&mut content, (id, letter), &organization, now).await? {
            return Ok(Err(why));
        }
        Ok(Ok(content))
    }

    /// Whether a recipient with an account still is one of those who get such letters.
    async fn is_there(&self, letter: &NewLetter, organization: &Organization) -> Result<bool, Failure> {
        let Recipient::User(user) = letter.to else { return Ok(true) };
        if !self.ledger.state::<User>(&user.into()).await?.state.active {
            return Ok(false);
        }
        let Some(id) = self.ledger.find_membership(letter.organization, user).await? else {
            return Ok(false);
        };
        let Some(member) = self.row(letter.organization, id).await? else { return Ok(false) };
        let (Some(org_role), Some(audience)) = (&member.org_role, Audience::of(letter.kind, &letter.about))
        else {
            return Ok(false);
        };
        let on_team = letter.about.team.and_then(|team| member.teams.get(&team)).map(Option::as_ref);
        let roles = self.ledger.look().roles().await?;
        Ok(audience.includes(Standing { org_role, on_team }, organization, &roles))
    }

    async fn complete(
        &self,
        content: &mut Content,
        (id, letter): (LetterId, &NewLetter),
        organization: &Organization,
        now: Timestamp,
    ) -> Found<()> {
        let settings = format!("{}/settings/{}", self.options.base_url, organization.slug);
        match letter.kind {
            LetterKind::Invitation | LetterKind::SecondFactor | LetterKind::VerifyEmail => {
                return self.invitation(content, letter, now).await;
            }
            LetterKind::SsoLink => {
                content.url = format!("{}/auth/login/{}/", self.options.base_url, organization.slug);
                let member = self.member(letter).await?;
                let is_needed = organization.sso.is_some()
                    && member.is_some_and(|member| !member.flags.contains(&MemberFlag::SsoLinked));
                return Ok(if is_needed { Ok(()) } else { Err(DropReason::NotNeeded) });
            }
            LetterKind::SsoDisabled => {
                content.url = format!("{}/auth/login/{}/", self.options.base_url, organization.slug);
                if organization.sso.is_some() {
                    return Ok(Err(DropReason::NotNeeded));
                }
            }
            LetterKind::TeamAccessRequest | LetterKind::TeamAccessApproved => {
                content.url = format!("{settings}/teams/");
                return self.team(content, letter).await;
            }
            LetterKind::InviteRequest | LetterKind::JoinRequest => {
                content.url = format!("{settings}/members/");
                content.settings_link = Some(format!("{settings}/"));
                return self.request(content, letter).await;
            }
            LetterKind::Deletion => {
                content.url = format!("{settings}/");
                return self.deletion(content, (id, letter), organization).await;
            }
        }
        Ok(Ok(()))
    }

    async fn invitation(&self, content: &mut Content, letter: &NewLetter, now: Timestamp) -> Found<()> {
        let Some(member) = self.member(letter).await? else { return Ok(Err(DropReason::InvitationRevoked)) };
        if !member.is_pending() {
            return Ok(Err(DropReason::InvitationAccepted));
        }
        let Some(valid) = member.invitation.filter(|valid| Some(valid.generation) == letter.about.generation)
        else {
            return Ok(Err(DropReason::InvitationReplaced));
        };
        if member.is_expired(now) {
            return Ok(Err(DropReason::InvitationExpired));
        }
        let (Some(id), referrer) = (letter.about.member, letter.about.referrer.as_deref()) else {
            return Ok(Err(DropReason::InvitationRevoked));
        };
        content.url = self.ledger.invitation_link(&self.options.base_url, id, valid.generation, referrer);
        content.expires = Some(in_words(valid.expires_at));
        Ok(Ok(()))
    }

    async fn team(&self, content: &mut Content, letter: &NewLetter) -> Found<()> {
        let gone = match letter.kind {
            LetterKind::TeamAccessRequest => DropReason::RequestAnswered,
            _ => DropReason::NotNeeded,
        };
        let (Some(id), Some(member)) = (letter.about.team, self.member(letter).await?) else {
            return Ok(Err(gone));
        };
        let team = self.ledger.state::<Team>(&id.into()).await?.state;
        let holds = match letter.kind {
            LetterKind::TeamAccessRequest => member.access_requests.contains_key(&id),
            _ => member.teams.contains_key(&id),
        };
        if team.deleted || !holds {
            return Ok(Err(gone));
        }
        // Who has no account yet asks for nothing (behaviour.md 10).
        if member.user.is_none() {
            return Ok(Err(DropReason::NotNeeded));
        }
        content.team = Some(team.slug.clone());
        content.member = self.who(&member).await?;
        // Who asks for himself is named once.
        if letter.about.actor.is_some() && letter.about.actor == member.user {
            content.actor = None;
        }
        Ok(if content.member.is_some() { Ok(()) } else { Err(gone) })
    }

    async fn request(&self, content: &mut Content, letter: &NewLetter) -> Found<()> {
        let wanted = match letter.kind {
            LetterKind::InviteRequest => InviteStatus::RequestedToBeInvited,
            _ => InviteStatus::RequestedToJoin,
        };
        let Some(member) = self.member(letter).await?.filter(|member| member.invite_status == wanted) else {
            return Ok(Err(DropReason::RequestAnswered));
        };
        content.member = self.who(&member).await?;
        Ok(if content.member.is_some() { Ok(()) } else { Err(DropReason::RequestAnswered) })
    }

    /// How the organization was asked to be deleted, while that is what this letter answers: not when it was called off
    /// meanwhile, and not when it was asked for anew, which has a letter of its own.
    async fn deletion(
        &self,
        content: &mut Content,
        (id, letter): (LetterId, &NewLetter),
        organization: &Organization,
    ) -> Found<()> {
        let asked = LogQuery {
            stream: Some(letter.organization.into()),
            types: vec!["DeletionScheduled".into()],
            limit: 1,
            order: Order::Descending,
            ..LogQuery::default()
        };
        let last = self.ledger.store().query(asked).await?.pop();
        let (Some(due_at), Some(asked)) = (organization.deletion_due, last) else {
            return Ok(Err(DropReason::NotNeeded));
        };
        if id != LetterId::derive(asked.event_id, letter.kind, letter.to) {
            return Ok(Err(DropReason::NotNeeded));
        }
        let recorded = asked.recorded().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let user_ip_address = match recorded.metadata.ip {
            Some(ip) => self.text(&ip).await?,
            None => None,
        };
        let (asked_at, due_at) = (in_words(asked.recorded_at), in_words(due_at));
        content.deletion = Some(Deletion { asked_at, due_at, user_ip_address });
        Ok(Ok(()))
    }

    /// The row that the letter is about, while there is one in the organization.
    async fn member(&self, letter: &NewLetter) -> Result<Option<std::sync::Arc<Member>>, Failure> {
        let Some(id) = letter.about.member else { return Ok(None) };
        self.row(letter.organization, id).await
    }

    async fn row(
        &self,
        organization: OrganizationId,
        id: MemberId,
    ) -> Result<Option<std::sync::Arc<Member>>, Failure> {
        let member = self.ledger.state::<Member>(&id.into()).await?.state;
        Ok(Some(member).filter(|member| member.exists() && member.organization == Some(organization)))
    }
}

/// A time as people read it.
fn in_words(time: Timestamp) -> String {
    let text = time.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let minute = rest.get(..5).unwrap_or_default();
    format!("{day} {minute} UTC")
}
