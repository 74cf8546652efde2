-- $1 id or null, $2 address or null.
select
    s.sponsor_id,
    s.name,
    s.address,
    s.price_ceiling_fri::text as price_ceiling,
    s.spend_limit_fri::text as spend_limit,
    s.held_fri::text as held,
    s.spent_fri::text as spent,
    coalesce(c.deposit_fri, 0)::text as deposit,
    coalesce(c.announced_fri, 0)::text as announced,
    coalesce(allowance_left_fri(c), 0)::text as allowance,
    greatest(0, coalesce(least(
        c.deposit_fri - c.announced_fri,
        allowance_left_fri(c),
        s.spend_limit_fri - s.spent_fri
    ), 0) - s.held_fri)::text as free
from sponsor s left join chain_sponsor c using (address)
where s.sponsor_id = $1 or s.address = $2
