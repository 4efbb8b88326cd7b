-- How far each effectful subscriber has come, and which process works. Beside the events and not beside the read models:
-- those may be built again at any time, and this must not be. A position counts for the log of that incarnation only.
CREATE TABLE log.subscribers (
    name text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL,
    incarnation bigint NOT NULL,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until timestamptz NOT NULL
);
