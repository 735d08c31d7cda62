-- The objects that were uploaded through the desk, or are about to be: one row each.
--
-- Other programs may read this table. They leave writing to the desk, which keeps every change apart by `revision`.
-- All times are milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE IF NOT EXISTS storage (
    id           TEXT    NOT NULL PRIMARY KEY, -- 32 hex digits; sorts by the time of the upload
    name         TEXT    NOT NULL,             -- what its user calls it, without a path
    name_search  TEXT    NOT NULL,             -- the same in lower case
    path         TEXT    NOT NULL,             -- its key in the bucket
    ext          TEXT    NOT NULL,             -- what the name ends in: lower case, no dot, may be empty
    md5          TEXT,                         -- 32 hex digits, lower case
    md5_state    TEXT    NOT NULL,             -- declared: by the user; confirmed: by OSS
    creator_id   TEXT    NOT NULL,             -- its user
    bucket       TEXT    NOT NULL,
    size         INTEGER NOT NULL,             -- bytes: announced until it is stored
    content_type TEXT,
    etag         TEXT,                         -- unquoted
    state        TEXT    NOT NULL,             -- pending, fetching, stored, missing, failed, deleting, deleted
    forward      TEXT    NOT NULL,             -- off, waiting, done
    note         TEXT,                         -- why it is in this state
    source_url   TEXT,                         -- where it is fetched from
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    expires_at   INTEGER,                      -- when its upload must have begun
    due_at       INTEGER,                      -- when the desk sees to it next; NULL: never
    checks       INTEGER NOT NULL,             -- how often it did in vain
    revision     INTEGER NOT NULL              -- counts changes
) STRICT;

CREATE INDEX IF NOT EXISTS storage_list ON storage (creator_id, state, id);
CREATE INDEX IF NOT EXISTS storage_md5 ON storage (md5, size, creator_id, id) WHERE md5 IS NOT NULL;
CREATE INDEX IF NOT EXISTS storage_due ON storage (due_at, id) WHERE due_at IS NOT NULL;
