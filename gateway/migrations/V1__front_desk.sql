-- The front desk's tables. PostgreSQL is the only truth; Redis is an index over `job_live`.

CREATE TABLE model (
    model_id    text PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    -- The exact published bytes: their hash is the id.
    manifest    bytea NOT NULL,
    artifact    bytea,
    price_fri   numeric(39, 0) NOT NULL CHECK (price_fri > 0),
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Credentials that a sponsor hands out with a batch of devices. Only the hash is kept.
CREATE TABLE claim_token (
    token_sha256 bytea PRIMARY KEY,
    sponsor_id   uuid NOT NULL,
    claims_left  integer NOT NULL CHECK (claims_left >= 0),
    expires_at   timestamptz NOT NULL
);

CREATE TABLE device (
    device_id  uuid PRIMARY KEY,
    sponsor_id uuid NOT NULL,
    serial     text NOT NULL,
    -- P-256 coordinates, 32 bytes each.
    key_x      bytea NOT NULL CHECK (length(key_x) = 32),
    key_y      bytea NOT NULL CHECK (length(key_y) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    UNIQUE (sponsor_id, serial)
);

-- Assertions are single use; a row lives as long as the assertion could.
CREATE TABLE assertion_seen (
    device_id  uuid NOT NULL,
    jti        text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (device_id, jti)
);

-- Answered login challenges: each is worth one session.
CREATE TABLE worker_challenge (
    challenge  text PRIMARY KEY,
    worker     text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The request, immutable. Ids are UUIDv7, so the primary key is also the order of time.
CREATE TABLE job (
    job_id           uuid PRIMARY KEY,
    sponsor_id       uuid NOT NULL,
    device_id        uuid NOT NULL,
    model_id         text NOT NULL,
    input            bytea NOT NULL,
    input_commitment text NOT NULL,
    price_fri        numeric(39, 0) NOT NULL,
    run_within_ms    bigint NOT NULL,
    created_at       timestamptz NOT NULL
);

-- Only jobs that can still move. Every write is by primary key and no index covers what changes,
-- so updates stay heap-only and a long snapshot cannot turn leasing into a scan of dead rows.
CREATE TABLE job_live (
    job_id      uuid PRIMARY KEY REFERENCES job,
    model_id    text NOT NULL,
    state       text NOT NULL CHECK (state IN ('queued', 'leased')),
    epoch       bigint NOT NULL,
    lease_id    uuid,
    worker      text,
    leased_at   timestamptz,
    lease_until timestamptz,
    start_until timestamptz NOT NULL,
    hard_until  timestamptz,
    crash_count integer NOT NULL DEFAULT 0,
    fail_count  integer NOT NULL DEFAULT 0,
    CHECK (state = 'queued' OR (lease_id IS NOT NULL AND worker IS NOT NULL AND hard_until IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE job_done (
    job_id            uuid PRIMARY KEY REFERENCES job,
    status            text NOT NULL CHECK (status IN ('succeeded', 'failed', 'canceled', 'expired')),
    epoch             bigint NOT NULL,
    leased_at         timestamptz,
    finished_at       timestamptz NOT NULL,
    -- Why there is no result.
    reason            text,
    detail            text,
    -- The result and the evidence for it.
    worker            text,
    output            bytea,
    output_commitment text,
    leaf_index        integer,
    leaf_count        integer,
    -- Siblings from the leaf upwards, 32 bytes each.
    path              bytea,
    -- r and s, 32 bytes each.
    signature         bytea,
    public_key        text,
    CHECK ((status = 'succeeded') = (output IS NOT NULL)),
    CHECK ((status = 'succeeded') = (signature IS NOT NULL)),
    CHECK ((status = 'succeeded') = (reason IS NULL))
);

CREATE TABLE idempotency (
    device_id   uuid NOT NULL,
    key         text NOT NULL,
    body_sha256 bytea NOT NULL,
    job_id      uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (device_id, key)
);
