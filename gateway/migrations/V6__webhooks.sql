-- Whom to tell when a job ends, and where its requester's trace stands. Null for most jobs, which then cost a bit each.
ALTER TABLE job
    -- As `rest::webhooks::Webhook` writes it.
    ADD COLUMN webhook jsonb,
    -- As `trace::Trace` writes it.
    ADD COLUMN trace   jsonb;

-- What webhooks are signed with. The secret itself is made from the gateways' key whenever it is needed; its hash shows
-- that the key is still the one it was made with.
CREATE TABLE webhook_secret (
    secret_id     uuid PRIMARY KEY,
    sponsor_id    uuid NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    created_at    timestamptz NOT NULL DEFAULT now(),
    -- When it stops signing; null until a successor is made or it is revoked.
    expires_at    timestamptz
);
CREATE INDEX webhook_secret_of_sponsor ON webhook_secret (sponsor_id, secret_id);

-- What is to be told. A row is written in the transaction that ends its job, and goes once its receiver has taken it.
CREATE TABLE webhook_outbox (
    event_id    uuid PRIMARY KEY,
    job_id      uuid NOT NULL REFERENCES job,
    sponsor_id  uuid NOT NULL,
    kind        text NOT NULL,
    url         text NOT NULL,
    -- Of the URL: so many deliveries go to one host at once.
    host        text NOT NULL,
    happened_at timestamptz NOT NULL,
    -- Nobody may take it on before. Taking it on moves this by the time that a delivery may take: if its gateway dies,
    -- another one takes it on then.
    due_at      timestamptz NOT NULL,
    -- Grows whenever it is taken on: whoever was too slow has no say any more.
    claims      bigint NOT NULL DEFAULT 0,
    tries       integer NOT NULL DEFAULT 0,
    last_status integer,
    reason      text,
    -- When it was given up. It stays for a month, to be seen and to be tried again.
    failed_at   timestamptz,
    CHECK (failed_at IS NULL OR reason IS NOT NULL)
);
CREATE INDEX webhook_due ON webhook_outbox (due_at) WHERE failed_at IS NULL;
CREATE INDEX webhook_failed ON webhook_outbox (sponsor_id, event_id) WHERE failed_at IS NOT NULL;
CREATE INDEX webhook_forget ON webhook_outbox (failed_at) WHERE failed_at IS NOT NULL;

-- Addresses that have answered 410 Gone. Whoever wants one again has a delivery to it sent again.
CREATE TABLE webhook_gone (
    sponsor_id uuid NOT NULL,
    url        text NOT NULL,
    gone_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sponsor_id, url)
);
