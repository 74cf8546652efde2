-- $1 a slashed worker. Its statements can never settle, so what was held for its results is free again.
with unpaid as (
    update statement set status = 'voided', refusal = 'worker_slashed', batch_id = null
    where worker = $1 and status not in ('settled', 'voided')
), freed as (
    update hold h set state = 'voided'
    from receipt r
    where r.worker = $1 and h.job_id = r.job_id and h.state = 'earned'
    returning h.sponsor_id, h.amount_fri
), total as (
    select sponsor_id, sum(amount_fri) as amount_fri from freed group by sponsor_id
)
update sponsor s set held_fri = s.held_fri - t.amount_fri from total t where s.sponsor_id = t.sponsor_id
