-- $1 jobs.
select
    r.job_id,
    r.amount_fri::text as amount,
    r.statement_id,
    case s.status when 'settled' then 'settled' else case when r.statement_id is null then 'pending' else 'stated' end
    end as status,
    s.tx_hash
from receipt r left join statement s using (statement_id)
where r.job_id = any($1)
