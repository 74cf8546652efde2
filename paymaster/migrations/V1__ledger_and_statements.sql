-- All money is in fri: whole numbers below 2^128, which have at most 39 digits.

create table sponsor (
    sponsor_id uuid primary key,
    name text not null,
    -- Canonical 0x hex, as ciro_api::Address prints it.
    address text not null unique,
    price_ceiling_fri numeric(39, 0) not null check (price_ceiling_fri >= 0),
    -- For the sponsor's whole life.
    spend_limit_fri numeric(39, 0) not null check (spend_limit_fri >= 0),
    held_fri numeric(39, 0) not null default 0 check (held_fri >= 0),
    spent_fri numeric(39, 0) not null default 0 check (spent_fri >= 0),
    created_at timestamptz not null default now(),
    check (held_fri + spent_fri <= spend_limit_fri)
) with (fillfactor = 50);

-- What the chain says, as of the cursor. Rows come from events only.
create table chain_sponsor (
    address text primary key,
    deposit_fri numeric(39, 0) not null default 0 check (deposit_fri >= 0),
    -- May exceed the deposit: the largest number announces everything.
    announced_fri numeric(39, 0) not null default 0 check (announced_fri >= 0),
    -- What our operator may still spend.
    allowance_fri numeric(39, 0) not null default 0 check (allowance_fri >= 0)
) with (fillfactor = 50);

create table chain_worker (
    address text primary key,
    public_key text,
    stake_fri numeric(39, 0) not null default 0 check (stake_fri >= 0),
    announced_fri numeric(39, 0) not null default 0 check (announced_fri >= 0)
);

create table chain_model (
    model_id text primary key,
    level smallint not null,
    min_price_fri numeric(39, 0) not null,
    min_stake_fri numeric(39, 0) not null
);

-- Which contracts the mirror is of, and how far it is. One row.
create table chain_cursor (
    only_row boolean primary key default true check (only_row),
    chain_id text not null,
    pool text not null,
    job_manager text not null,
    operator text not null,
    next_block bigint not null check (next_block >= 0),
    -- Of the block before next_block; null before the first one.
    last_block_hash text
);

create table hold (
    job_id uuid primary key,
    sponsor_id uuid not null references sponsor,
    amount_fri numeric(39, 0) not null check (amount_fri > 0),
    state text not null check (state in ('pending', 'earned', 'posted', 'voided'))
);

create table settlement_batch (
    batch_id uuid primary key,
    operator text not null,
    nonce bigint not null,
    tx_hash text not null unique,
    -- The whole signed transaction: a retry sends the same bytes.
    transaction jsonb not null,
    state text not null default 'open' check (state in ('open', 'done', 'failed')),
    failure text,
    created_at timestamptz not null default now()
);
-- One settlement in flight, whatever else goes wrong.
create unique index settlement_batch_one_open on settlement_batch (operator) where state = 'open';

create table statement (
    statement_id uuid primary key,
    sponsor text not null,
    worker text not null,
    seq bigint not null check (seq > 0),
    count integer not null check (count > 0),
    amount_fri numeric(39, 0) not null check (amount_fri > 0),
    root text not null,
    status text not null check (status in ('closed', 'countersigned', 'sent', 'settled')),
    signature_r text,
    signature_s text,
    batch_id uuid references settlement_batch,
    -- The transaction that settled it.
    tx_hash text,
    -- Why the last attempt to settle it moved nothing.
    refusal text,
    attempts integer not null default 0,
    retry_at timestamptz not null default now(),
    created_at timestamptz not null default clock_timestamp(),
    unique (sponsor, worker, seq),
    check ((signature_r is null) = (status = 'closed')),
    check ((signature_r is null) = (signature_s is null)),
    check ((tx_hash is not null) = (status = 'settled'))
);
create index statement_unsettled on statement (created_at, seq) where status <> 'settled';
create index statement_waiting on statement (worker, created_at, seq) where status = 'closed';

create table receipt (
    job_id uuid primary key references hold,
    sponsor_id uuid not null references sponsor,
    worker text not null,
    -- Struct hash of the accepted attestation.
    attestation text not null,
    amount_fri numeric(39, 0) not null check (amount_fri > 0),
    statement_id uuid references statement,
    -- Place among the statement's leaves.
    position integer,
    created_at timestamptz not null default clock_timestamp(),
    check ((statement_id is null) = (position is null))
);
create index receipt_unstated on receipt (sponsor_id, worker, created_at, job_id) where statement_id is null;
create index receipt_by_statement on receipt (statement_id, position) where statement_id is not null;
