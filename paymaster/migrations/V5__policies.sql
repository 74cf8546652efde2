-- What sponsors pay for. A revision is never changed: a newer one takes its place.
create table policy (
    sponsor_id uuid not null references sponsor,
    revision integer not null check (revision > 0),
    -- The bytes that the sponsor wrote.
    document text not null,
    created_at timestamptz not null default now(),
    primary key (sponsor_id, revision)
);

-- Operations that a sponsor pays for. Each has a hold under its own id: of the most that it may cost while it is
-- reserved, and of what it did cost once it is captured.
create table reservation (
    operation_id uuid primary key,
    sponsor_id uuid not null,
    revision integer not null,
    rule_id text not null,
    fee_max_fri numeric(39, 0) not null check (fee_max_fri > 0),
    fee_fri numeric(39, 0) check (fee_fri > 0 and fee_fri <= fee_max_fri),
    state text not null default 'reserved' check (state in ('reserved', 'captured', 'released')),
    -- The limits that it takes from, as keys of limit_use, with how much.
    uses jsonb not null,
    reserved_at timestamptz not null default now(),
    foreign key (sponsor_id, revision) references policy,
    check ((state = 'captured') = (fee_fri is not null))
);

-- How much of a limit one of those who have it has taken in one window. Rules keep their counts from one revision to the
-- next by their names.
create table limit_use (
    sponsor_id uuid not null,
    rule_id text not null,
    measure text not null,
    per text not null,
    -- Who: an account, a device, a key; empty where all have one limit together.
    subject text not null,
    time_window text not null,
    since timestamptz not null,
    used numeric(39, 0) not null check (used >= 0),
    primary key (sponsor_id, rule_id, measure, per, subject, time_window, since)
) with (fillfactor = 50);
