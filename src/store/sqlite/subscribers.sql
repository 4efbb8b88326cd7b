-- How far each effectful subscriber has come, and which process works. Beside the events and not beside the read models:
-- those may be built again at any time, and this must not be. A position counts for the log of that incarnation only.
CREATE TABLE subscribers (
    name text PRIMARY KEY NOT NULL,
    position integer NOT NULL,
    incarnation integer NOT NULL,
    holder text NOT NULL,
    epoch integer NOT NULL
) STRICT, WITHOUT ROWID;
