-- $1 statement.
with posted as (
    update hold h set state = 'posted'
    from receipt r
    where r.statement_id = $1 and h.job_id = r.job_id and h.state = 'earned'
    returning h.sponsor_id, h.amount_fri
), total as (
    select sponsor_id, sum(amount_fri) as amount_fri, count(*) as jobs from posted group by sponsor_id
), moved as (
    update sponsor s
    set held_fri = s.held_fri - t.amount_fri, spent_fri = s.spent_fri + t.amount_fri
    from total t where s.sponsor_id = t.sponsor_id
    returning t.jobs
)
select coalesce(sum(jobs), 0)::bigint as jobs from moved
