-- One batch in one statement, for a connection that says `muster.appends`. Takes the order lock, and appends only if the
-- log still ends where the caller decided: at `head_position`, written at `head_recorded_at`. Answers whether it did.
--
-- A key that was used before breaks its primary key, and with it the whole batch. Each statement of this function sees
-- what was committed before it began, also while it waited for the lock.
CREATE FUNCTION log.append(
    head_position bigint, head_recorded_at bigint, now bigint,
    aggregate_types text[], aggregate_ids text[], sequences bigint[], event_types text[], event_versions text[],
    payloads text[], metadatas text[], positions bigint[], event_ids uuid[], organizations bigint[],
    actor_kinds text[], actor_ids text[], leaves bytea[],
    key_digests uuid[], key_actors text[], key_requests text[], key_statuses integer[], key_results text[],
    key_positions bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(7887337266164674156);
    SELECT position, recorded_at INTO last FROM log.events ORDER BY position DESC LIMIT 1;
    IF coalesce(last.position, 0) <> head_position OR coalesce(last.recorded_at, 0) <> head_recorded_at THEN
        RETURN false;
    END IF;
    INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
        position, event_id, recorded_at, organization, actor_kind, actor_id, leaf)
    SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::json, metadata::json,
        position, event_id, now, organization, actor_kind, actor_id, leaf
    FROM unnest(aggregate_types, aggregate_ids, sequences, event_types, event_versions, payloads, metadatas, positions,
        event_ids, organizations, actor_kinds, actor_ids, leaves) AS new (aggregate_type, aggregate_id, sequence,
        event_type, event_version, payload, metadata, position, event_id, organization, actor_kind, actor_id, leaf);
    IF cardinality(key_digests) > 0 THEN
        INSERT INTO log.idempotency_keys (digest, actor, request, status, result, position, recorded_at)
        SELECT *, now
        FROM unnest(key_digests, key_actors, key_requests, key_statuses, key_results, key_positions);
    END IF;
    -- Wakes the other processes; each looks at the log and takes nothing from the message.
    PERFORM pg_notify('muster_log', (head_position + cardinality(positions))::text);
    RETURN true;
END $$;
