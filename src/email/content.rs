//! What a letter says now: looked up in the log when its turn comes, and nowhere kept. Or why it says nothing any more.

use muster_events::{
    id::{MemberId, OrganizationId, UserId},
    letter::{Audience, DropReason, LetterKind, NewLetter, Recipient, Standing},
    member::{InviteStatus, Member, MemberFlag},
    organization::Organization,
    personal::{Personal, PersonalText},
    team::Team,
    time::Timestamp,
    user::User,
};
use serde::Serialize;

use super::MailOptions;
use crate::{
    ledger::{Failure, Ledger},
    sealing::Unsealed,
};

/// A person whom a letter names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Who {
    /// His name; his address, where he has none.
    pub name: String,
    /// His address.
    pub email: String,
}

/// What templates can name. Nothing for what has no place in letters of this kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// What this product is called.
    pub product: String,
    /// Where it is found.
    pub base_url: String,
    /// The recipient's address.
    pub email: String,
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
    /// When the organization ends.
    pub due: Option<String>,
    /// Where an address is verified.
    pub confirm_url: Option<String>,
    /// Where a password is set.
    pub recover_url: Option<String>,
}

/// Looks up what letters say.
pub(super) struct Contents<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) options: &'a MailOptions,
}

type Found<T> = Result<Result<T, DropReason>, Failure>;

impl Contents<'_> {
    /// What `letter` says at `now`, or why it makes no sense any more.
    pub(super) async fn of(&self, letter: &NewLetter, now: Timestamp) -> Found<Content> {
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
            product: self.options.product_name.clone(),
            base_url: self.options.base_url.clone(),
            email,
            organization: organization.name.clone(),
            provider: letter.about.provider.clone(),
            ..Content::default()
        };
        if let Some(actor) = letter.about.actor {
            content.actor = self.person(actor).await?;
        }
        if let Err(why) = self.complete(&mut content, letter, &organization, now).await? {
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
        letter: &NewLetter,
        organization: &Organization,
        now: Timestamp,
    ) -> Found<()> {
        let settings = format!("{}/settings/{}", self.options.base_url, organization.slug);
        match letter.kind {
            LetterKind::Invitation | LetterKind::SecondFactor | LetterKind::VerifyEmail => {
                content.confirm_url = Some(format!("{}/account/confirm-email/", self.options.base_url));
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
                content.recover_url = Some(format!("{}/account/recover/", self.options.base_url));
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
                return self.request(content, letter).await;
            }
            LetterKind::Deletion => {
                content.url = format!("{settings}/");
                content.due = organization.deletion_due.map(in_words);
                if content.due.is_none() {
                    return Ok(Err(DropReason::NotNeeded));
                }
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

    /// The person behind a row: of his account, or of what he is invited by.
    async fn who(&self, member: &Member) -> Result<Option<Who>, Failure> {
        if let Some(user) = member.user {
            return self.person(user).await;
        }
        let Some(email) = &member.email else { return Ok(None) };
        Ok(self.text(email).await?.map(|email| Who { name: email.clone(), email }))
    }

    async fn person(&self, user: UserId) -> Result<Option<Who>, Failure> {
        let account = self.ledger.state::<User>(&user.into()).await?.state;
        let Some(primary) = account.addresses.first() else { return Ok(None) };
        let Some(email) = self.text(&primary.email).await? else { return Ok(None) };
        let name = match &account.name {
            Some(name) => self.text(name).await?.filter(|name| !name.trim().is_empty()),
            None => None,
        };
        Ok(Some(Who { name: name.unwrap_or_else(|| email.clone()), email }))
    }

    /// What is sealed; nothing once it was erased.
    async fn text<T: PersonalText>(&self, personal: &Personal<T>) -> Result<Option<String>, Failure> {
        let Some(envelope) = personal.envelope() else { return Ok(None) };
        match self.ledger.keys().unseal(envelope).await? {
            Unsealed::Value(text) => Ok(Some(text)),
            Unsealed::Erased => Ok(None),
        }
    }
}

/// A time as people read it.
fn in_words(time: Timestamp) -> String {
    let text = time.to_string();
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let minute = rest.get(..5).unwrap_or_default();
    format!("{day} {minute} UTC")
}

/// What a letter of this kind may say, with everything that it can say: for previews, and to try templates.
pub fn sample(kind: LetterKind) -> Content {
    use LetterKind as K;
    let base_url = "https://members.example.com".to_owned();
    let who = |name: &str, email: &str| Who { name: name.into(), email: email.into() };
    let is_invitation = matches!(kind, K::Invitation | K::SecondFactor | K::VerifyEmail);
    let is_of_team = matches!(kind, K::TeamAccessRequest | K::TeamAccessApproved);
    let is_request = matches!(kind, K::InviteRequest | K::JoinRequest);
    let is_of_sso = matches!(kind, K::SsoLink | K::SsoDisabled);
    let path = if is_invitation { "/accept/42/0123456789abcdef/" } else { "/settings/acme/" };
    Content {
        product: "muster".into(),
        url: format!("{base_url}{path}"),
        email: "mia@example.com".into(),
        organization: "Acme & Sons".into(),
        actor: Some(who("Alice Adams", "alice@example.com")),
        member: (is_of_team || is_request).then(|| who("Bob Brown", "bob@example.com")),
        team: is_of_team.then(|| "core".into()),
        provider: is_of_sso.then(|| "okta".into()),
        expires: is_invitation.then(|| "2026-12-24 10:00 UTC".into()),
        due: (kind == K::Deletion).then(|| "2026-12-01 10:00 UTC".into()),
        confirm_url: is_invitation.then(|| format!("{base_url}/account/confirm-email/")),
        recover_url: (kind == K::SsoDisabled).then(|| format!("{base_url}/account/recover/")),
        base_url,
    }
}
