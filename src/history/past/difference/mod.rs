//! What changed in an organization between two moments: what it comes to, and by whom.

mod cause;
mod told;

use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member,
    stream::Position,
    team,
};
use muster_projections::read::Page;
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::cause::Cause;
use self::told::{Told, change_of_member, change_of_thing, fields, team_of};
use super::{Past, PastError};
use crate::history::{History, LogPosition};

/// What changed. Whoever or whatever is in the end as it was in the beginning is not in it.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// After this position.
    pub from: LogPosition,
    /// Up to this one.
    pub to: LogPosition,
    /// Only up to here all is told, where a stream cannot be read beyond it; null where there is none.
    pub complete_to: Option<LogPosition>,
    /// The organization itself, by field: its name, its settings.
    pub organization: Vec<Changed>,
    /// Its teams, by id.
    pub teams: Vec<Changed>,
    /// Its members, invitations and requests, by id.
    pub members: Vec<Changed>,
    /// Whether there is a page behind this one.
    #[serde(skip)]
    pub more: bool,
}

/// Something that changed.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The field of the organization, or the id.
    pub what: String,
    /// In a word: `created`, `deleted` or `changed`; of members `joined`, `left`, `invited`, `revoked`, `requested`,
    /// `rejected`, `returned` (to an invitation), `deactivated`, `reactivated` (his account) or `changed`.
    pub change: &'static str,
    /// What it was; null where it was not there.
    pub from: Value,
    /// What it is; null where it is not there.
    pub to: Value,
    /// The events that led there, oldest first, with who asked for them.
    pub events: Vec<Cause>,
}

impl History {
    /// What changed in `organization` after `from` up to `to`: all of it, or of the teams and members with events between
    /// the two only those of this page, which need not differ. The first page tells of the organization itself.
    pub async fn difference(
        &self,
        organization: OrganizationId,
        from: Position,
        to: Position,
        page: Option<Page>,
    ) -> Result<Difference, PastError> {
        let (before, after) = (self.past(organization, from).await?, self.past(organization, to).await?);
        // Behind the two states, whose folds have their turns too.
        let _one_of_few = self.kept.folds.acquire().await;
        let causes = self.causes(organization, &before, &after).await?;
        let (all_teams, all_members) =
            (causes.ids::<TeamId>(team::TYPE), causes.ids::<MemberId>(member::TYPE));
        let page = page.unwrap_or(Page { offset: 0, limit: u32::MAX });
        let (first, end) = (page.offset as usize, page.offset as usize + page.limit as usize);
        let teams_end = end.min(all_teams.len());
        let mut teams = vec![];
        for id in all_teams.get(first..teams_end).unwrap_or_default() {
            let (was, is) =
                (team_of(&before, organization, *id).await?, team_of(&after, organization, *id).await?);
            teams.extend(changed(id.to_string(), was, is, causes.of(&(*id).into()), change_of_thing));
        }
        let of_members = |place: usize| place.saturating_sub(all_teams.len()).min(all_members.len());
        let mut members = vec![];
        for id in &all_members[of_members(first)..of_members(end)] {
            let (was, is) = (
                self.member(&before, organization, *id).await?,
                self.member(&after, organization, *id).await?,
            );
            members.extend(changed(id.to_string(), was, is, causes.of(&(*id).into()), change_of_member));
        }
        let of_organization = if first == 0 {
            of_organization(&before, &after, &causes.of(&organization.into()))
        } else {
            vec![]
        };
        let complete_to = [before.complete_to, after.complete_to].into_iter().flatten();
        Ok(Difference {
            from: self.at(from),
            to: self.at(to),
            complete_to: complete_to.min_by_key(|at| at.position),
            organization: of_organization,
            teams,
            members,
            more: end < all_teams.len() + all_members.len(),
        })
    }
}

/// The fields that are others.
fn of_organization(before: &Past, after: &Past, causes: &[Cause]) -> Vec<Changed> {
    let (was, is) = (fields(before), fields(after));
    let field = |name: &String| {
        let value = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null).into();
        let causes = causes.iter().filter(|cause| cause.touches(name)).cloned().collect();
        changed(name.clone(), value(&was), value(&is), causes, |_, _| "changed")
    };
    is.keys().filter_map(field).collect()
}

fn changed(
    what: String,
    from: Told,
    to: Told,
    events: Vec<Cause>,
    change: fn(&Value, &Value) -> &'static str,
) -> Option<Changed> {
    let is_other = from.compared != to.compared;
    let change = change(&from.told, &to.told);
    is_other.then_some(Changed { what, change, from: from.told, to: to.told, events })
}
