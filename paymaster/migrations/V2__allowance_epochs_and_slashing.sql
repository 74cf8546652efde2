-- An allowance is what our operator may spend in each epoch, and what it has spent counts for one epoch only.
alter table chain_sponsor rename column allowance_fri to allowance_per_epoch_fri;
alter table chain_sponsor
    -- The last epoch in which our operator spent anything, and how much.
    add column spent_epoch bigint not null default 0 check (spent_epoch >= 0),
    add column epoch_spent_fri numeric(39, 0) not null default 0 check (epoch_spent_fri >= 0);

-- How long an epoch is; the contract fixes it. Epochs begin at multiples of it since 1970.
alter table chain_cursor add column allowance_epoch_s bigint not null default 86400 check (allowance_epoch_s > 0);
alter table chain_cursor alter column allowance_epoch_s drop default;

-- What our operator may still spend of a sponsor's deposit in the current epoch. The database's clock and the
-- chain's may differ by seconds around the turn of an epoch. Where the chain is ahead, what it saw spent counts at once;
-- where it is behind, it refuses what came too early, and that is sent again.
create function allowance_left_fri(c chain_sponsor) returns numeric language sql stable as $$
    select greatest(0, c.allowance_per_epoch_fri - case
        when c.spent_epoch >= (
            select floor(extract(epoch from clock_timestamp()) / allowance_epoch_s) from chain_cursor
        ) then c.epoch_spent_fri
        else 0
    end)
$$;

-- Fraud was shown against the worker: nothing is paid to it any more.
alter table chain_worker add column slashed boolean not null default false;
alter table statement drop constraint statement_status_check;
alter table statement add constraint statement_status_check
    check (status in ('closed', 'countersigned', 'sent', 'settled', 'voided'));
alter table statement drop constraint statement_check;
alter table statement add constraint statement_signed_check
    check (status = 'voided' or (signature_r is null) = (status = 'closed'));
drop index statement_unsettled;
create index statement_unsettled on statement (created_at, seq) where status not in ('settled', 'voided');
