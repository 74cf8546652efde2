-- $1 sponsor id, $2 worker, $3 most.
select job_id, attestation, amount_fri::text as amount
from receipt
where statement_id is null and sponsor_id = $1 and worker = $2
order by created_at, job_id
limit $3
