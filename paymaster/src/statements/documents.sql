-- $1 statements.
select
    s.statement_id,
    s.status,
    s.sponsor,
    s.worker,
    s.seq,
    s.count::bigint as count,
    s.amount_fri::text as amount,
    s.root,
    s.signature_r,
    s.signature_s,
    s.operator_r,
    s.operator_s,
    s.tx_hash,
    c.job_manager as contract,
    c.operator
from statement s cross join chain_cursor c
where s.statement_id = any($1)
order by s.created_at, s.seq
