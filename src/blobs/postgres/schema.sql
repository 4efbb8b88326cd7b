-- Says whose schema this is, and which of the steps that make it have been taken.
CREATE TABLE blobs.muster_schema (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL
);

INSERT INTO blobs.muster_schema (version) VALUES (0);

-- Pictures by name. What the log says of them is not repeated here. They are compressed already.
CREATE TABLE blobs.blobs (
    name text COLLATE "C" PRIMARY KEY,
    digest text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL
);

ALTER TABLE blobs.blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE blobs.blobs ALTER COLUMN bytes SET STATISTICS 0;
