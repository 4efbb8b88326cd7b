//! An event that cannot be read stops its stream, and only that.

use muster::clock::{Clock, SystemClock, event_id};
use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
};
use muster_projections::teams;

use super::lab::{Lab, Process, append, created, flagged, organization, team};

/// What a newer version of this program could have appended.
async fn append_unknown(lab: &Lab, stream: &StreamId, sequence: u64, position: u64) {
    let (now, leaf) = (SystemClock.now(), hex::encode([0; 32]));
    let leaf = if lab.place.database.is_some() { format!("'\\x{leaf}'") } else { format!("x'{leaf}'") };
    let sql = format!(
        "INSERT INTO {{events}} (aggregate_type, aggregate_id, sequence, event_type, event_version, position, \
             event_id, recorded_at, organization, actor_kind, leaf, payload, metadata) \
         VALUES ('{}', '{}', {sequence}, 'TeamPainted', '1', {position}, '{}', {}, 1, 'system', {leaf}, '{{}}', \
             '{{\"actor\":{{\"kind\":\"system\"}}}}')",
        stream.aggregate_type,
        stream.aggregate_id,
        event_id(now),
        now.as_micros(),
    );
    lab.place.run_on_log(&sql).await;
}

#[tokio::test]
async fn a_stream_with_an_unknown_event_is_parked_and_others_go_on() {
    let lab = Lab::new().await;
    let store = lab.store().await;
    let process = Process::start(lab.runner(store.clone()).await);
    for number in [1, 2] {
        append(&*store, team(number), 0, vec![created(number)]).await;
    }
    append_unknown(&lab, &team(1), 1 + 1, 3).await;
    append(&*store, team(1), 2, vec![flagged(true)]).await;
    let head = append(&*store, team(2), 1, vec![flagged(true)]).await;
    let status = process.reaches(head).await;

    let [parked] = &*status.parked else { panic!("{:?}", status.parked) };
    assert_eq!((parked.projection.as_str(), &parked.stream), ("teams", &team(1)));
    assert_eq!((parked.first_sequence, parked.events), (Sequence(2), 2));
    assert_eq!(parked.error, "TeamPainted with schema version 1 is not known to this version of muster");
    let of_teams = status.projections.iter().find(|projection| projection.name == "teams").unwrap();
    assert_eq!((of_teams.checkpoint, of_teams.parked), (Position(head), 1));

    let views = lab.views().await;
    let listed = teams::query::list(
        &views,
        organization(),
        None,
        muster_projections::read::Page { offset: 0, limit: 10 },
    );
    let flags: Vec<_> = listed.await.unwrap().rows.iter().map(|row| row.team.idp_provisioned).collect();
    assert_eq!(
        flags,
        [false, true],
        "what waits in the one stream is not skipped, what is in the other is shown"
    );

    let other = OrganizationId::new(2).unwrap();
    let stale =
        |organization, projections: &[&str]| process.models.status().stale_for(organization, projections);
    assert_eq!(stale(Some(organization()), &["members", "teams"]), Some(Position(2)));
    assert_eq!(stale(None, &["teams"]), Some(Position(2)));
    assert_eq!(stale(Some(other), &["teams"]), None);
    assert_eq!(stale(Some(organization()), &["members", "users"]), None);
    process.stop().await;

    let process = Process::start(lab.runner(store.clone()).await);
    let head = append(&*store, team(1), 3, vec![flagged(false)]).await;
    let status = process.reaches(head).await;
    assert_eq!(status.parked[0].events, 3, "a new process knows what was parked");
    assert_eq!(store.head().await.unwrap().position, Position(head));
    process.stop().await;
}
