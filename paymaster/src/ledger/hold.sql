-- $1 job, $2 sponsor, $3 amount.
-- Both rows are locked first, and the decision is made on what the locks return. Decided on the statement's own
-- snapshot instead, holds that wait for a settlement to commit would see the holds after it and the deposit
-- before it, and free the same money twice.
with locked as (
    select
        s.sponsor_id,
        s.price_ceiling_fri,
        s.held_fri,
        least(c.deposit_fri - c.announced_fri, allowance_left_fri(c), s.spend_limit_fri - s.spent_fri) as budget_fri
    from chain_sponsor c join sponsor s using (address)
    where s.sponsor_id = $2
    for no key update of c, s
), guarded as (
    update sponsor s
    set held_fri = s.held_fri + $3::text::numeric
    from locked l
    where s.sponsor_id = l.sponsor_id
      and $3::text::numeric <= l.price_ceiling_fri
      and l.held_fri + $3::text::numeric <= l.budget_fri
    returning s.sponsor_id
), placed as (
    insert into hold (job_id, sponsor_id, amount_fri, state)
    select $1, sponsor_id, $3::text::numeric, 'pending' from guarded
    returning 1
)
select count(*) from placed
