-- $1 statement.
select
    s.status, s.sponsor, s.worker, s.seq, s.count::bigint as count, s.amount_fri::text as amount, s.root,
    s.signature_r, s.signature_s,
    w.public_key,
    c.job_manager as contract,
    c.operator
from statement s cross join chain_cursor c left join chain_worker w on w.address = s.worker
where s.statement_id = $1
