-- The keys. What is wrapped is encrypted by the master key, which is not here.

-- `erasures` tells caches whether there was one. `destructions` counts erasures and rotations, `scrubbed` those of
-- them whose old bytes have left the write-ahead log; a process that was killed between the two leaves them unequal.
CREATE TABLE deployment (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    master text NOT NULL,
    master_check blob NOT NULL,
    erasures integer NOT NULL DEFAULT 0,
    destructions integer NOT NULL DEFAULT 0,
    scrubbed integer NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE deployment_keys (
    id text PRIMARY KEY,
    holder text NOT NULL UNIQUE,
    master text NOT NULL,
    bytes blob NOT NULL
) STRICT;

-- A row with `erased_at` is a tombstone.
CREATE TABLE person_keys (
    number integer PRIMARY KEY,
    id text NOT NULL UNIQUE,
    subject text NOT NULL,
    created_at integer NOT NULL,
    erased_at integer
) STRICT;

CREATE UNIQUE INDEX person_keys_living ON person_keys (subject) WHERE erased_at IS NULL;

CREATE TRIGGER tombstones_stay BEFORE DELETE ON person_keys BEGIN
    SELECT RAISE(ROLLBACK, 'keys are never deleted: an erasure leaves a tombstone');
END;

CREATE TRIGGER erased_is_erased BEFORE UPDATE ON person_keys WHEN OLD.erased_at IS NOT NULL BEGIN
    SELECT RAISE(ROLLBACK, 'a tombstone is never changed');
END;

-- The wrapped bytes of person_keys, apart from it and of one length, so that an erasure or a rotation overwrites them
-- where they stand. A row that shrank or was deleted could make SQLite move its neighbours to another page, and leave
-- their old bytes in the space between rows, where a later erasure of those would not find them.
CREATE TABLE wrapped_keys (
    number integer PRIMARY KEY REFERENCES person_keys,
    master text NOT NULL,
    bytes blob NOT NULL CHECK (length(bytes) = 72)
) STRICT;

CREATE TABLE links (
    user text NOT NULL,
    invitee text NOT NULL,
    PRIMARY KEY (user, invitee)
) STRICT, WITHOUT ROWID;
