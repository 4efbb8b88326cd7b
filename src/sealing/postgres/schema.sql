-- The keys. What is wrapped is encrypted by the master key, which is not here.

-- Says whose schema this is, and which of the steps that make it have been taken.
CREATE TABLE keys.muster_schema (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL
);

INSERT INTO keys.muster_schema (version) VALUES (0);

-- `erasures` tells caches whether there was one. `destructions` counts erasures and rotations, `scrubbed` those of
-- them whose old bytes have left the table's file; a process that was killed between the two leaves them unequal.
CREATE TABLE keys.deployment (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    master text COLLATE "C" NOT NULL,
    master_check bytea NOT NULL,
    erasures bigint NOT NULL DEFAULT 0,
    destructions bigint NOT NULL DEFAULT 0,
    scrubbed bigint NOT NULL DEFAULT 0
);

CREATE TABLE keys.deployment_keys (
    id text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL UNIQUE,
    master text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL
);

-- A row with `erased_at` is a tombstone. Times are microseconds since 1970, as in the log.
CREATE TABLE keys.person_keys (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    subject text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    erased_at bigint
);

CREATE UNIQUE INDEX person_keys_living ON keys.person_keys (subject) WHERE erased_at IS NULL;

CREATE FUNCTION keys.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;

CREATE TRIGGER tombstones_stay BEFORE DELETE ON keys.person_keys
    FOR EACH ROW EXECUTE FUNCTION keys.refuse('keys are never deleted: an erasure leaves a tombstone');

CREATE TRIGGER tombstones_are_not_truncated BEFORE TRUNCATE ON keys.person_keys
    FOR EACH STATEMENT EXECUTE FUNCTION keys.refuse('keys are never deleted: an erasure leaves a tombstone');

CREATE TRIGGER erased_is_erased BEFORE UPDATE ON keys.person_keys
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL)
    EXECUTE FUNCTION keys.refuse('a tombstone is never changed');

-- The wrapped bytes of person_keys, apart from it, because an erasure writes the whole table anew.
CREATE TABLE keys.wrapped_keys (
    number bigint PRIMARY KEY REFERENCES keys.person_keys,
    master text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL CHECK (octet_length(bytes) = 72)
);

CREATE TABLE keys.links (
    user_subject text COLLATE "C" NOT NULL,
    invitee text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_subject, invitee)
);

-- Statistics of the planner hold samples of a column, where an erasure would not find them.
ALTER TABLE keys.deployment_keys ALTER COLUMN bytes SET STATISTICS 0;
ALTER TABLE keys.wrapped_keys ALTER COLUMN bytes SET STATISTICS 0;
