-- The log. The table has the columns of sqlite-es 0.5 and ours; what is short stands before the two texts that may be
-- long, so that a filter need not walk through them. The position is the key of the rows and not the triple, which is
-- unique all the same: rows then lie in the order in which they are read, and an append touches one index less.
CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence integer NOT NULL,
    event_type text NOT NULL,
    event_version text NOT NULL,
    position integer PRIMARY KEY,
    event_id text NOT NULL,
    recorded_at integer NOT NULL,
    organization integer,
    actor_kind text NOT NULL,
    actor_id text,
    leaf blob NOT NULL CHECK (length(leaf) = 32),
    payload text NOT NULL,
    metadata text NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, sequence)
) STRICT;

-- The only index beyond the one that the promises need. Times need none: they run along positions. Types and actors
-- have none: they are filters within an organization or a stream, and each index would cost every append.
CREATE INDEX events_by_organization ON events (organization, position) WHERE organization IS NOT NULL;

-- Also against INSERT OR REPLACE, which would delete the row that is in its way without asking the trigger on DELETE:
-- the next position and the next sequence are always new. ROLLBACK rather than ABORT, because SQLite then needs no
-- copy of the pages that a single row touches; it makes appends a tenth faster.
CREATE TRIGGER events_are_appended BEFORE INSERT ON events BEGIN
    SELECT RAISE(ROLLBACK, 'events are append-only: the next position and sequence are needed')
    WHERE NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
        OR NEW.sequence IS NOT (
            SELECT coalesce(max(sequence), 0) + 1 FROM events
            WHERE aggregate_type = NEW.aggregate_type AND aggregate_id = NEW.aggregate_id
        );
END;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ROLLBACK, 'events are append-only: none is ever changed');
END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events BEGIN
    SELECT RAISE(ROLLBACK, 'events are append-only: none is ever deleted');
END;

-- Who holds what. `holder` is empty for a counter; `held_until` is the time from which a row no longer counts.
CREATE TABLE claims (
    kind text NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    holder text NOT NULL,
    held_until integer,
    count integer NOT NULL,
    PRIMARY KEY (kind, scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_by_key ON claims (kind, key);

CREATE INDEX counters_by_end ON claims (held_until) WHERE kind = 'counter';

-- How requests with an idempotency key ended. `digest` is made of actor and key: short, because it falls anywhere in
-- its index, and how much of that a transaction touches is what an append costs. Rows are only ever added at the end,
-- so their rowid runs along recorded_at and the oldest are found without an index.
CREATE TABLE idempotency_keys (
    digest blob PRIMARY KEY NOT NULL CHECK (length(digest) = 16),
    actor text NOT NULL,
    request text NOT NULL,
    status integer NOT NULL,
    result text NOT NULL,
    position integer NOT NULL,
    recorded_at integer NOT NULL
) STRICT;

CREATE TABLE deployment (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    incarnation integer NOT NULL,
    -- Which hash key the hashes in this log were made with.
    hash_key text
) STRICT;
