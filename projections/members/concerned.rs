//! Whom something concerns: for policies and sweepers, who decide about each by his own events and not by these rows.

use muster_events::{
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::MemberFlag,
    time::Timestamp,
    user::Authenticator,
};

use super::table::flag_column;
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Page},
    users::authenticator_column,
    views::Views,
};

/// The invitations and requests that a user sent.
pub async fn sent_by(
    views: &Views,
    organization: OrganizationId,
    inviter: UserId,
) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT id FROM members WHERE organization_id = $1 AND inviter_id = $2 AND user_id IS NULL ORDER BY id";
    ids(views, &Query::new(sql).bind(organization).bind(inviter)).await
}

/// The memberships of an account in an organization: at most one that is not removed.
pub async fn of_account(
    views: &Views,
    organization: OrganizationId,
    account: UserId,
) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT id FROM members WHERE organization_id = $1 AND user_id = $2 ORDER BY id";
    ids(views, &Query::new(sql).bind(organization).bind(account)).await
}

/// Who is on a team, or asks to be.
pub async fn on_team(views: &Views, team: TeamId) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT member_id AS id FROM member_teams WHERE team_id = $1 \
        UNION SELECT member_id AS id FROM team_access_requests WHERE team_id = $1 ORDER BY id";
    ids(views, &Query::new(sql).bind(team)).await
}

/// Who is linked to an identity at the single sign-on provider of an organization, or to one that is not valid.
pub async fn linked(views: &Views, organization: OrganizationId) -> Result<Vec<MemberId>, ViewError> {
    let sql = format!(
        "SELECT id FROM members WHERE organization_id = $1 AND ({} OR {}) ORDER BY id",
        flag_column(MemberFlag::SsoLinked),
        flag_column(MemberFlag::SsoInvalid)
    );
    ids(views, &Query::new(sql).bind(organization)).await
}

/// The members of an organization whose accounts have no second factor.
pub async fn without_second_factor(
    views: &Views,
    organization: OrganizationId,
) -> Result<Vec<MemberId>, ViewError> {
    let factors = Authenticator::ALL.into_iter().filter(|kind| kind.is_second_factor());
    let none: Vec<_> = factors.map(|kind| format!("u.{} IS NULL", authenticator_column(kind))).collect();
    with_user(views, organization, &none.join(" AND ")).await
}

/// The members of an organization whose accounts have a primary address that is not verified.
pub async fn without_verified_email(
    views: &Views,
    organization: OrganizationId,
) -> Result<Vec<MemberId>, ViewError> {
    let verified = "NOT EXISTS (SELECT 1 FROM user_emails e WHERE e.user_id = u.id AND e.hash = u.email_hash \
        AND e.verified)";
    with_user(views, organization, verified).await
}

/// An account that cannot be shown counts as one that may be meant.
async fn with_user(
    views: &Views,
    organization: OrganizationId,
    account: &str,
) -> Result<Vec<MemberId>, ViewError> {
    let sql = format!(
        "SELECT m.id FROM members m LEFT JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND m.user_id IS NOT NULL AND {account} ORDER BY m.id"
    );
    ids(views, &Query::new(sql).bind(organization)).await
}

/// Every row of an organization: members, invitations and requests.
pub async fn everyone(views: &Views, organization: OrganizationId) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT id FROM members WHERE organization_id = $1 ORDER BY id";
    ids(views, &Query::new(sql).bind(organization)).await
}

/// The invitations that are over at `now` without that being on record, those first that have been so longest.
pub async fn expired(views: &Views, now: Timestamp, page: Page) -> Result<Vec<MemberId>, ViewError> {
    let sql = "SELECT id FROM members WHERE expiry_due_at <= $1 \
        ORDER BY expiry_due_at, id LIMIT $3 OFFSET $2";
    let query = Query::new(sql).bind(now).bind(page.offset).bind(i64::from(page.limit));
    ids(views, &query).await
}

async fn ids(views: &Views, query: &Query) -> Result<Vec<MemberId>, ViewError> {
    let rows = views.readers().rows(query).await?;
    rows.iter().map(|row| Cells(row).id("id")).collect()
}
