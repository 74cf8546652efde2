-- A lower allowance counts on chain only once the notice has passed. New jobs count on it at once; until
-- `allowance_counts_from`, in seconds since 1970, the chain still pays by the one before.
alter table chain_sponsor
    add column allowance_before_fri numeric(39, 0) not null default 0 check (allowance_before_fri >= 0),
    add column allowance_counts_from bigint not null default 0 check (allowance_counts_from >= 0);

-- What our operator has spent in the current epoch. The database's clock and the chain's may differ by seconds around
-- the turn of an epoch. Where the chain is ahead, what it saw spent counts at once; where it is behind, it refuses what
-- came too early, and that is sent again.
create function spent_this_epoch_fri(c chain_sponsor) returns numeric language sql stable as $$
    select case
        when c.spent_epoch >= (
            select floor(extract(epoch from clock_timestamp()) / allowance_epoch_s) from chain_cursor
        ) then c.epoch_spent_fri
        else 0
    end
$$;

-- What new jobs may count on.
create or replace function allowance_left_fri(c chain_sponsor) returns numeric language sql stable as $$
    select greatest(0, c.allowance_per_epoch_fri - spent_this_epoch_fri(c))
$$;

-- What the chain pays now: what was owed before a sponsor lowered its allowance is settled during the notice. A raise
-- counts at once, also where the chain's clock is ahead of the database's.
create function allowance_now_fri(c chain_sponsor) returns numeric language sql stable as $$
    select greatest(0, case
        when extract(epoch from clock_timestamp()) < c.allowance_counts_from then greatest(c.allowance_before_fri, c.allowance_per_epoch_fri)
        else c.allowance_per_epoch_fri
    end - spent_this_epoch_fri(c))
$$;
