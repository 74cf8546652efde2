-- $1 sponsors.
-- Both rows of each are locked first, in the order of ids as everyone who touches several sponsors does, and the
-- decision is made on what the locks return. Decided on an unlocked snapshot instead, holds that wait for a settlement
-- to commit would see the holds after it and the deposit before it, and free the same money twice.
select
    s.sponsor_id,
    s.price_ceiling_fri::text as ceiling,
    greatest(0, least(
        c.deposit_fri - c.announced_fri, allowance_left_fri(c), s.spend_limit_fri - s.spent_fri
    ) - s.held_fri)::text as free
from chain_sponsor c join sponsor s using (address)
where s.sponsor_id = any($1)
order by s.sponsor_id
for no key update of c, s
