-- $1 sponsor. Locks and decides as hold.sql does; the two must agree.
select
    s.price_ceiling_fri::text as ceiling,
    greatest(0, least(
        c.deposit_fri - c.announced_fri, allowance_left_fri(c), s.spend_limit_fri - s.spent_fri
    ) - s.held_fri)::text as free
from chain_sponsor c join sponsor s using (address)
where s.sponsor_id = $1
for no key update of c, s
