-- $1 sponsor.
select
    s.price_ceiling_fri::text as ceiling,
    greatest(0, coalesce(least(
        c.deposit_fri - c.announced_fri,
        allowance_left_fri(c),
        s.spend_limit_fri - s.spent_fri
    ), 0) - s.held_fri)::text as free
from sponsor s left join chain_sponsor c using (address)
where s.sponsor_id = $1
