-- Accounts of ours that send what other accounts have signed. One process at a time sends from each: the one that holds its
-- lease, under the fencing token that the lease gave out.
create table relayer (
    address text primary key,
    fence bigint not null default 0,
    leased_until timestamptz not null default '-infinity'
);

-- The nonces of relayers that were given to transactions, each to one.
create table relay_transaction (
    relayer text not null references relayer,
    nonce bigint not null check (nonce >= 0),
    -- lost: something that is not ours has used the nonce.
    state text not null default 'open' check (state in ('open', 'succeeded', 'reverted', 'lost')),
    opened_at timestamptz not null default now(),
    tx_hash text,
    fee_fri numeric(39, 0) check (fee_fri >= 0),
    block bigint,
    primary key (relayer, nonce),
    check ((state in ('succeeded', 'reverted')) = (tx_hash is not null and fee_fri is not null and block is not null))
);
create index relay_transaction_open on relay_transaction (relayer, nonce) where state = 'open';

-- What was signed for a nonce, whole: each takes the place of the one before it.
create table relay_attempt (
    tx_hash text primary key,
    relayer text not null,
    nonce bigint not null,
    number smallint not null check (number >= 0),
    transaction jsonb not null,
    bounds jsonb not null,
    tip_fri bigint not null check (tip_fri >= 0),
    signed_at timestamptz not null default now(),
    -- When a node has last taken it.
    sent_at timestamptz,
    unique (relayer, nonce, number),
    foreign key (relayer, nonce) references relay_transaction on delete cascade
);

-- What accounts have asked for. The tracking id is the id, as a felt.
create table operation (
    operation_id uuid primary key,
    account text not null,
    class_hash text not null,
    -- What the account signed; of a deployment that comes alone, its address.
    message_hash text not null,
    -- The parts of the Forwarder's call.
    body jsonb not null,
    sponsor_id uuid,
    key_id uuid,
    device_id uuid,
    -- How much calldata it is, and how much L2 gas it took when it was simulated alone.
    felts integer not null check (felts > 0),
    l2_gas bigint not null check (l2_gas > 0),
    -- It could take others down with it.
    alone boolean not null,
    -- Halved each time that a transaction that carried it was reverted.
    together_max smallint not null check (together_max > 0),
    expires_at timestamptz not null,
    state text not null default 'queued' check (state in ('queued', 'sent', 'succeeded', 'failed', 'dropped')),
    -- Who has claimed it, and with which nonce it is sent.
    relayer text references relayer,
    nonce bigint,
    reason text,
    -- Its part of what the transaction did cost.
    cost_fri numeric(39, 0) check (cost_fri >= 0),
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    foreign key (relayer, nonce) references relay_transaction,
    check (state not in ('sent', 'succeeded', 'failed') or nonce is not null),
    check (state <> 'queued' or nonce is null),
    check ((state in ('succeeded', 'failed', 'dropped')) = (ended_at is not null))
);
-- What was signed once is carried once; what has failed may be asked for again.
create unique index operation_signed on operation (account, message_hash) where state in ('queued', 'sent', 'succeeded');
create index operation_queue on operation (created_at, operation_id) where state = 'queued';
create index operation_carried on operation (relayer, nonce) where state = 'sent';
create index operation_of_sponsor on operation (sponsor_id, created_at);
