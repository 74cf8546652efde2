-- $1 jobs.
select
    r.job_id,
    r.amount_fri::text as amount,
    r.statement_id,
    case
        when h.state = 'voided' then 'voided'
        when s.status = 'settled' then 'settled'
        when r.statement_id is null then 'pending'
        else 'stated'
    end as status,
    s.tx_hash
from receipt r join hold h using (job_id) left join statement s using (statement_id)
where r.job_id = any($1)
