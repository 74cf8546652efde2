-- $1 most. In the order of each pair's sequence, since a statement is never older than the one before it.
-- `cover` is what the chain can still pay for the sponsor; `ready` says that the last refusal is long enough ago.
select
    s.statement_id, s.sponsor, s.worker, s.seq, s.count::bigint as count, s.amount_fri::text as amount, s.root,
    s.signature_r, s.signature_s, chain_cursor.operator,
    s.status = 'countersigned' and s.retry_at <= clock_timestamp() as ready,
    coalesce(least(c.deposit_fri, allowance_now_fri(c)), 0)::text as cover
from statement s cross join chain_cursor left join chain_sponsor c on c.address = s.sponsor
where s.status not in ('settled', 'voided')
order by s.created_at, s.seq
limit $1
