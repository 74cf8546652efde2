-- A device's own jobs, newest first. Ids are UUIDv7, so every device appends at the end of its own stretch.
CREATE INDEX job_by_device ON job (device_id, job_id);

-- A sponsor's jobs in the order of time, for its usage.
CREATE INDEX job_by_sponsor ON job (sponsor_id, job_id);

-- What a sponsor's servers authenticate with. Only the hash of the secret is kept.
CREATE TABLE sponsor_key (
    key_id        uuid PRIMARY KEY,
    sponsor_id    uuid NOT NULL,
    name          text NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    scopes        text[] NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);

-- A revoked device keeps its row; its serial is free for another key.
ALTER TABLE device DROP CONSTRAINT device_sponsor_id_serial_key;
CREATE UNIQUE INDEX device_enrolled ON device (sponsor_id, serial) WHERE revoked_at IS NULL;
CREATE INDEX device_by_serial ON device (sponsor_id, serial);
-- Who was revoked a moment ago: gateways ask every second.
CREATE INDEX device_revoked ON device (revoked_at) WHERE revoked_at IS NOT NULL;
