-- One statement, so that it is done or not done: MySQL has no transactions for it.
CREATE TABLE IF NOT EXISTS storage (
    id           CHAR(32)      NOT NULL COMMENT '32 hex digits; sorts by the time of the upload',
    name         VARCHAR(255)  NOT NULL COMMENT 'what its user calls it, without a path',
    name_search  VARCHAR(512)  NOT NULL COMMENT 'the same in lower case',
    path         VARCHAR(1023) NOT NULL COMMENT 'its key in the bucket',
    ext          VARCHAR(255)  NOT NULL COMMENT 'what the name ends in: lower case, no dot, may be empty',
    md5          CHAR(32)               COMMENT '32 hex digits, lower case',
    md5_state    VARCHAR(16)   NOT NULL COMMENT 'declared: by the user; confirmed: by OSS',
    creator_id   VARCHAR(255)  NOT NULL COMMENT 'its user',
    bucket       VARCHAR(63)   NOT NULL,
    size         BIGINT        NOT NULL COMMENT 'bytes: announced until it is stored',
    content_type TEXT,
    etag         VARCHAR(255)           COMMENT 'unquoted',
    state        VARCHAR(16)   NOT NULL COMMENT 'pending, fetching, stored, missing, failed, deleting, deleted',
    forward      VARCHAR(16)   NOT NULL COMMENT 'off, waiting, done',
    note         TEXT                   COMMENT 'why it is in this state',
    source_url   TEXT                   COMMENT 'where it is fetched from',
    created_at   BIGINT        NOT NULL COMMENT 'times are milliseconds since the epoch, UTC',
    updated_at   BIGINT        NOT NULL,
    expires_at   BIGINT                 COMMENT 'when its upload must have begun',
    due_at       BIGINT                 COMMENT 'when the desk sees to it next; NULL: never',
    checks       BIGINT        NOT NULL COMMENT 'how often it did in vain',
    revision     BIGINT        NOT NULL COMMENT 'counts changes',
    PRIMARY KEY (id),
    KEY storage_list (creator_id, state, id),
    KEY storage_md5 (md5, size, creator_id, id),
    KEY storage_due (due_at, id)
)
ENGINE = InnoDB ROW_FORMAT = DYNAMIC
CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
COMMENT = 'Objects uploaded through the desk, or about to be. Other programs read it and leave writing to the desk.';
