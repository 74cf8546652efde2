-- $1 id or null, $2 worker whose closed statements are wanted or null, $3 most.
select
    s.statement_id,
    s.status,
    s.sponsor,
    s.worker,
    s.seq,
    s.count::bigint as count,
    s.amount_fri::text as amount,
    s.root,
    s.tx_hash,
    (select job_manager from chain_cursor) as contract
from statement s
where s.statement_id = $1 or (s.worker = $2 and s.status = 'closed')
order by s.created_at, s.seq
limit $3
