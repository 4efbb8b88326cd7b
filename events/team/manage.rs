//! The whole of POST, PUT and DELETE team, each as one decision (behaviour.md 5.6).

use std::sync::Arc;

use super::{Standing, Team, TeamEvent};
use crate::{
    access::Requester,
    id::{OrganizationId, TeamId},
    organization::{Organization, check_name, check_slug},
    refusal::{FieldError, Refusal},
    roles::Roles,
};

/// The most characters of a slug that is made from a name.
const MAX_SLUG: usize = 50;

/// What decisions about a team look at besides the team.
#[derive(Debug, Clone)]
pub struct TeamContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization that the path names.
    pub organization: (OrganizationId, Arc<Organization>),
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// The team.
    pub team: TeamId,
}

impl TeamContext {
    /// The requester in the face of the team.
    pub fn standing(&self) -> Standing<'_> {
        let (id, organization) = &self.organization;
        Standing::new(&self.requester, (*id, organization), &self.roles, self.team)
    }

    /// Lets the requester pass when he has one of `scopes` on the team.
    fn pass(&self, scopes: &[&'static str]) -> Result<(), Refusal> {
        let (id, organization) = &self.organization;
        self.requester.admit(*id, organization, false)?;
        self.standing().has_any(scopes).map(|_| ()).ok_or(Refusal::NoPermission)
    }
}

/// A team that is asked for.
#[derive(Debug, Clone, Default)]
pub struct NewTeam {
    /// The slug; made from the name when absent.
    pub slug: Option<String>,
    /// The display name; the slug when absent.
    pub name: Option<String>,
    /// What was wrong with the form of the body.
    pub malformed: Vec<FieldError>,
}

/// What a PUT asks for. Absent is unchanged.
#[derive(Debug, Clone, Default)]
pub struct TeamChanges {
    /// The slug.
    pub slug: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// What was wrong with the form of the body.
    pub malformed: Vec<FieldError>,
}

/// Creates the team.
pub(super) fn create(team: &Team, new: &NewTeam, context: &TeamContext) -> Result<Vec<TeamEvent>, Refusal> {
    let (organization, state) = &context.organization;
    let needs = ["org:write", "org:admin", "team:write"];
    context.requester.gate(*organization, state, &context.roles, &needs, false)?;
    if team.organization.is_some() {
        return Err(Refusal::AlreadyExists);
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (slug, name) = (given(&new.slug), given(&new.name));
    let mut errors = new.malformed.clone();
    if slug.is_none() && name.is_none() && errors.is_empty() {
        errors.push(FieldError::new("non_field_errors", "Name or slug is required"));
        return Err(Refusal::InvalidFields { errors });
    }
    let name = name.or_else(|| slug.clone()).map(|name| checked_name(&name, &mut errors)).unwrap_or_default();
    let slug = match slug {
        Some(slug) => checked_slug(slug, &mut errors),
        None => slug_of_name(&name).unwrap_or_else(|| {
            if errors.is_empty() {
                let text = "No slug can be made from this name; give one as \"slug\".";
                errors.push(FieldError::new("name", text));
            }
            String::new()
        }),
    };
    if !errors.is_empty() {
        return Err(Refusal::InvalidFields { errors });
    }
    Ok(vec![TeamEvent::TeamCreated { organization: *organization, slug, name }])
}

/// Changes name and slug.
pub(super) fn change(
    team: &Team,
    changes: &TeamChanges,
    context: &TeamContext,
) -> Result<Vec<TeamEvent>, Refusal> {
    if team.organization != Some(context.organization.0) || !team.active {
        context.requester.admit(context.organization.0, &context.organization.1, false)?;
        return Err(Refusal::NotFound);
    }
    context.pass(&["team:write", "team:admin"])?;
    if team.idp_provisioned {
        return Err(Refusal::TeamIdentityProviderManaged);
    }
    let mut errors = changes.malformed.clone();
    let name = changes.name.as_deref().map(|name| checked_name(name, &mut errors));
    let slug = changes.slug.clone().map(|slug| checked_slug(slug, &mut errors));
    if !errors.is_empty() {
        return Err(Refusal::InvalidFields { errors });
    }
    let renamed = name
        .filter(|name| *name != team.name)
        .map(|to| TeamEvent::TeamRenamed { from: team.name.clone(), to });
    let moved = slug
        .filter(|slug| *slug != team.slug)
        .map(|to| TeamEvent::TeamSlugChanged { from: team.slug.clone(), to });
    Ok(renamed.into_iter().chain(moved).collect())
}

/// Deletes the team. One that is being deleted already is gone with it; one that is gone stays gone.
pub(super) fn delete(team: &Team, context: &TeamContext) -> Result<Vec<TeamEvent>, Refusal> {
    if team.organization != Some(context.organization.0) {
        context.requester.admit(context.organization.0, &context.organization.1, false)?;
        return Err(Refusal::NotFound);
    }
    context.pass(&["team:admin"])?;
    if team.deleted {
        return Ok(vec![]);
    }
    if team.idp_provisioned {
        return Err(Refusal::TeamIdentityProviderManaged);
    }
    Ok(vec![TeamEvent::TeamDeleted { slug: team.slug.clone() }])
}

fn checked_name(name: &str, errors: &mut Vec<FieldError>) -> String {
    check_name(name).unwrap_or_else(|refusal| {
        if let Refusal::InvalidFields { errors: found } = refusal {
            errors.extend(found);
        }
        String::new()
    })
}

fn checked_slug(slug: String, errors: &mut Vec<FieldError>) -> String {
    if let Err(Refusal::SlugMalformed { why, .. }) = check_slug(&slug, false) {
        errors.push(FieldError::new("slug", why));
    }
    slug
}

/// The slug that is made from a name: its letters and digits, the rest as single dashes. None when nothing is left that
/// could be a slug.
pub fn slug_of_name(name: &str) -> Option<String> {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        match character {
            'a'..='z' | '0'..='9' if slug.len() < MAX_SLUG => slug.push(character),
            'à'..='å' => slug.push('a'),
            'ç' => slug.push('c'),
            'è'..='ë' => slug.push('e'),
            'ì'..='ï' => slug.push('i'),
            'ñ' => slug.push('n'),
            'ò'..='ö' | 'ø' => slug.push('o'),
            'ù'..='ü' => slug.push('u'),
            // An apostrophe is inside a word.
            '\'' | '\u{2019}' => {}
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(MAX_SLUG);
    let slug = slug.trim_end_matches('-');
    if slug.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Some(slug.to_owned());
    }
    // Digits alone would be taken for an id.
    let numbered = (!slug.is_empty()).then(|| format!("team-{slug}"))?;
    check_slug(&numbered, false).is_ok().then_some(numbered)
}
