-- Pictures by name. What the log says of them is not repeated here.
CREATE TABLE blobs (
    name text PRIMARY KEY,
    digest text NOT NULL,
    bytes blob NOT NULL
) STRICT;
