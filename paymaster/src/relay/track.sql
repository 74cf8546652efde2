-- $1 operation. One whose block was taken back is on its way again.
select case when t.state = 'open' then 'sent' else o.state end as state, o.reason, coalesce(t.tx_hash, (
    select a.tx_hash from relay_attempt a
    where a.relayer = o.relayer and a.nonce = o.nonce and (a.sent_at is not null or o.state in ('succeeded', 'failed'))
    order by a.number desc limit 1
)) as tx_hash
from operation o left join relay_transaction t on t.relayer = o.relayer and t.nonce = o.nonce
where o.operation_id = $1
