-- The log. The table has the columns, types and primary key of postgres-es 0.5 and ours, so that its repository,
-- unmodified, can read and append. Texts compare by their bytes, as in every other store.
CREATE TABLE log.events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    event_type text COLLATE "C" NOT NULL,
    event_version text COLLATE "C" NOT NULL,
    payload json NOT NULL,
    metadata json NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    event_id uuid NOT NULL,
    recorded_at bigint NOT NULL, -- microseconds since 1970, UTC
    organization bigint,
    actor_kind text COLLATE "C" NOT NULL,
    actor_id text COLLATE "C",
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_position_key UNIQUE (position)
);

-- The only index beyond those that the promises need. Times need none: they run along positions. Types and actors have
-- none: they are filters within an organization or a stream, and each index would cost every append.
CREATE INDEX events_by_organization ON log.events (organization, position) WHERE organization IS NOT NULL;

-- The events that this program knows, and which of them a foreign program may append: those that make no claim and hold
-- nothing that is a person's. Filled by the program at each migration.
CREATE TABLE log.known_events (
    aggregate_type text NOT NULL,
    event_type text NOT NULL,
    foreign_may boolean NOT NULL,
    PRIMARY KEY (aggregate_type, event_type)
);

CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only: none is ever changed or deleted';
END $$;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.events ENABLE ALWAYS TRIGGER events_are_not_changed;

-- One field of a leaf: its length as an unsigned 64-bit little-endian integer, then its bytes. A missing one has the
-- largest length and no bytes.
CREATE FUNCTION log.leaf_field(field text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    bytes bytea := convert_to(field, 'UTF8');
    size bigint := length(bytes);
    head bytea := '\x0000000000000000';
BEGIN
    IF field IS NULL THEN
        RETURN '\xffffffffffffffff';
    END IF;
    FOR place IN 0..7 LOOP
        head := set_byte(head, place, ((size >> (8 * place)) & 255)::integer);
    END LOOP;
    RETURN head || bytes;
END $$;

-- An append that does not come from this program gets its place here, under the lock that all appends take. Whoever
-- then stalls with the lock is cut off. Each statement of this function sees what was committed before it began, also
-- while it waited for the lock.
CREATE FUNCTION log.place_foreign_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
    actor json;
    random bytea;
    millis bigint;
BEGIN
    IF EXISTS (SELECT FROM log.known_events WHERE aggregate_type = NEW.aggregate_type) AND NOT EXISTS (
        SELECT FROM log.known_events
        WHERE aggregate_type = NEW.aggregate_type AND event_type = NEW.event_type AND foreign_may
    ) THEN
        RAISE EXCEPTION '% of % makes claims, holds personal data or is not known: append it through muster',
            NEW.event_type, NEW.aggregate_type;
    END IF;
    PERFORM set_config('idle_in_transaction_session_timeout', '2000', true);
    PERFORM set_config('statement_timeout', '5000', true);
    PERFORM pg_advisory_xact_lock(7887337266164674156);
    SELECT position, recorded_at INTO last FROM log.events ORDER BY position DESC LIMIT 1;
    -- postgres-es calls a first version 1.0.
    NEW.event_version := regexp_replace(NEW.event_version, '\.0$', '');
    IF NEW.event_version !~ '^[1-9][0-9]{0,8}$' THEN
        RAISE EXCEPTION 'the event version % is no schema version: a whole number is needed', NEW.event_version;
    END IF;
    IF NEW.sequence IS DISTINCT FROM (
        SELECT coalesce(max(sequence), 0) + 1 FROM log.events
        WHERE aggregate_type = NEW.aggregate_type AND aggregate_id = NEW.aggregate_id
    ) THEN
        RAISE unique_violation USING MESSAGE = 'events are append-only: the next sequence is needed';
    END IF;
    NEW.position := coalesce(last.position, 0) + 1;
    NEW.recorded_at := greatest(last.recorded_at, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    -- A UUID of version 7: 48 bits of milliseconds, the version, then what gen_random_uuid has drawn.
    random := uuid_send(gen_random_uuid());
    millis := NEW.recorded_at / 1000;
    random := overlay(random PLACING substring(int8send(millis) FROM 3) FROM 1 FOR 6);
    NEW.event_id := encode(set_byte(random, 6, (get_byte(random, 6) & 15) | 112), 'hex')::uuid;
    IF NEW.metadata -> 'actor' IS NULL THEN
        NEW.metadata := (NEW.metadata::jsonb || '{"actor": {"kind": "system"}}')::json;
    END IF;
    actor := NEW.metadata -> 'actor';
    IF NEW.aggregate_type = 'organization' THEN
        NEW.organization := NEW.aggregate_id::bigint;
    END IF;
    NEW.actor_kind := actor ->> 'kind';
    NEW.actor_id := actor ->> 'id';
    NEW.leaf := sha256(
        log.leaf_field(NEW.event_id::text) || log.leaf_field(NEW.aggregate_type) || log.leaf_field(NEW.aggregate_id)
        || log.leaf_field(NEW.sequence::text) || log.leaf_field(NEW.event_type)
        || log.leaf_field(NEW.event_version) || log.leaf_field(NEW.recorded_at::text)
        || log.leaf_field(NEW.organization::text) || log.leaf_field(NEW.payload::text)
        || log.leaf_field(NEW.metadata::text)
    );
    PERFORM pg_notify('muster_log', NEW.position::text);
    RETURN NEW;
END $$;

CREATE TRIGGER events_of_others_are_placed BEFORE INSERT ON log.events FOR EACH ROW
    WHEN (current_setting('muster.appends', true) IS DISTINCT FROM 'yes')
    EXECUTE FUNCTION log.place_foreign_event();
ALTER TABLE log.events ENABLE ALWAYS TRIGGER events_of_others_are_placed;

-- Who holds what. `holder` is empty for a counter; `held_until` is the time from which a row no longer counts.
CREATE TABLE log.claims (
    kind text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    held_until bigint,
    count integer NOT NULL,
    PRIMARY KEY (kind, scope, key)
);

CREATE INDEX claims_by_key ON log.claims (kind, key);

CREATE INDEX counters_by_end ON log.claims (held_until) WHERE kind = 'counter';

-- How requests with an idempotency key ended. `digest` is made of actor and key.
CREATE TABLE log.idempotency_keys (
    digest uuid PRIMARY KEY,
    actor text NOT NULL,
    request text NOT NULL,
    status integer NOT NULL,
    result text NOT NULL,
    position bigint NOT NULL,
    recorded_at bigint NOT NULL
);

CREATE INDEX idempotency_keys_by_time ON log.idempotency_keys USING brin (recorded_at);

CREATE TABLE log.deployment (
    only_row boolean PRIMARY KEY CHECK (only_row),
    incarnation bigint NOT NULL,
    -- Which hash key the hashes in this log were made with.
    hash_key text,
    -- Which cluster this log was last seen on, and on which of its timelines: a backup that is restored elsewhere or to
    -- an earlier point has another one.
    cluster text NOT NULL
);
