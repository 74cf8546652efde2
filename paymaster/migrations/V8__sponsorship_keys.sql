-- Keys that apps ask with for a sponsor's money. They allow nothing else, because games and devices carry them: what they may
-- cost is in the sponsor's policy.
create table sponsorship_key (
    key_id uuid primary key,
    sponsor_id uuid not null references sponsor,
    name text not null check (name <> ''),
    -- SHA-256 of the secret, which has 256 random bits.
    secret_sha256 bytea not null check (octet_length(secret_sha256) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index sponsorship_key_of_sponsor on sponsorship_key (sponsor_id);
