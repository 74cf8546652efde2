-- $1 sponsor, $2 worker, $3 seq.
select statement_id, count::bigint as count, amount_fri::text as amount, root
from statement
where sponsor = $1 and worker = $2 and seq = $3 and status not in ('settled', 'voided')
