-- $1 sponsor id, $2 worker, $3 most.
select r.job_id, r.attestation, r.amount_fri::text as amount
from receipt r join hold h using (job_id)
where r.statement_id is null and h.state = 'earned' and r.sponsor_id = $1 and r.worker = $2
order by r.created_at, r.job_id
limit $3
