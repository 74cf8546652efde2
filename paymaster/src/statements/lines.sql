-- $1 statements.
select statement_id, job_id, attestation, amount_fri::text as amount
from receipt
where statement_id = any($1)
order by statement_id, position
