-- $1 jobs of receipts, $2 their amounts: how many of them are operations that have ended on chain, over what was captured.
select count(*)
from unnest($1::uuid[], $2::text[]) as line (operation_id, amount)
join operation o using (operation_id)
join reservation r using (operation_id)
where o.state in ('succeeded', 'failed') and r.fee_fri = line.amount::numeric
