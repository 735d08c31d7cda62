-- One statement, so that it is done or not done. If it was done and not recorded, it fails with "duplicate column".
ALTER TABLE storage
    ADD COLUMN upload_id VARCHAR(255) COMMENT 'of an upload in parts, given by OSS; NULL until it has begun',
    ADD COLUMN part_size BIGINT       COMMENT 'bytes of every part but the last; NULL: not in parts',
    ADD COLUMN crc64     VARCHAR(20)  COMMENT 'of the whole object as its user computed it, decimal';
