-- $1 job.
with voided as (
    update hold set state = 'voided' where job_id = $1 and state = 'pending'
    returning sponsor_id, amount_fri
), freed as (
    update sponsor s set held_fri = s.held_fri - v.amount_fri
    from voided v where s.sponsor_id = v.sponsor_id
    returning 1
)
select count(*) from freed
