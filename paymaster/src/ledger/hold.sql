-- $1 job, $2 sponsor, $3 amount.
-- The chain's row is locked first. Without that lock, a hold that waits for the sponsor's row while a settlement
-- commits would see the holds after it and the deposit before it, and free the same money twice.
with chain as (
    select c.address, c.deposit_fri, c.announced_fri, c.allowance_fri
    from chain_sponsor c
    where c.address = (select address from sponsor where sponsor_id = $2)

), guarded as (
    update sponsor s
    set held_fri = s.held_fri + $3::text::numeric
    from chain c
    where s.sponsor_id = $2
      and s.address = c.address
      and $3::text::numeric <= s.price_ceiling_fri
      and s.held_fri + $3::text::numeric <= least(
          c.deposit_fri - c.announced_fri,
          c.allowance_fri,
          s.spend_limit_fri - s.spent_fri
      )
    returning s.sponsor_id
), placed as (
    insert into hold (job_id, sponsor_id, amount_fri, state)
    select $1, sponsor_id, $3::text::numeric, 'pending' from guarded
    returning 1
)
select count(*) from placed
