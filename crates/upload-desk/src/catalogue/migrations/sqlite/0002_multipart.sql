-- Uploads in parts. Their states are uploading (parts are sent) and completing (parts are put together).
ALTER TABLE storage ADD COLUMN upload_id TEXT;    -- given by OSS; NULL until the upload has begun
ALTER TABLE storage ADD COLUMN part_size INTEGER; -- bytes of every part but the last; NULL: not in parts
ALTER TABLE storage ADD COLUMN crc64 TEXT;        -- of the whole object as its user computed it, decimal
