-- What operations did so far, by who had part in them. Counters lose a 24th every hour: a row holds them as they were at
-- decayed_to, and whoever reads or writes works out what is left of them.
create table reputation (
    kind text not null check (kind in ('account', 'class', 'device')),
    name text not null,
    -- Of operations: they stay whole numbers while they decay.
    seen_millionths bigint not null check (seen_millionths >= 0),
    included_millionths bigint not null check (included_millionths >= 0),
    reverted_millionths bigint not null check (reverted_millionths >= 0),
    revert_cost_fri numeric(39, 0) not null check (revert_cost_fri >= 0),
    -- A whole number of hours after the subject was first seen, so that not everyone is let in at the same moment.
    decayed_to timestamptz not null,
    primary key (kind, name)
) with (fillfactor = 70);

-- For those who look for rows that have decayed to nothing.
create index reputation_decayed_to on reputation (decayed_to);

-- Whole hours from one moment to a later one; none to an earlier one, as clocks of two processes differ.
create function whole_hours(since timestamptz, till timestamptz) returns bigint language sql immutable parallel safe as $$
    select greatest(0, floor(extract(epoch from till - since) / 3600))::bigint
$$;

-- What is left of an amount after so many hours. Hour by hour, rounded down each time, so that it does not matter how often
-- it was worked out in between. At most 2,100 steps: then nothing is left of 39 digits.
create function decayed(amount numeric, hours bigint) returns numeric language plpgsql immutable parallel safe as $$
declare
    left_over numeric := amount;
    hours_left bigint := hours;
begin
    while hours_left > 0 and left_over > 0 loop
        left_over := div(left_over * 23, 24);
        hours_left := hours_left - 1;
    end loop;
    return left_over;
end
$$;
