-- $1 the first block that was taken back. What was paid there is owed again.
with undone as (
    update statement
    set status = case when signature_r is null then 'closed' else 'countersigned' end,
        tx_hash = null, settled_block = null, batch_id = null, retry_at = clock_timestamp()
    where settled_block >= $1 and status = 'settled'
    returning statement_id
), owed as (
    update hold h set state = 'earned'
    from receipt r join undone u using (statement_id)
    where h.job_id = r.job_id and h.state = 'posted'
    returning h.sponsor_id, h.amount_fri
), total as (
    select sponsor_id, sum(amount_fri) as amount_fri from owed group by sponsor_id
), moved as (
    update sponsor s set held_fri = s.held_fri + t.amount_fri, spent_fri = s.spent_fri - t.amount_fri
    from total t where s.sponsor_id = t.sponsor_id
)
select count(*) from undone
