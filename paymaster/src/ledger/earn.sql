-- $1 job, $2 sponsor, $3 worker, $4 attestation, $5 amount.
-- The worker's row is locked against its slashing: a receipt is either there when the slashing looks for what to
-- void, or it is never written.
with worker as (
    select slashed from chain_worker where address = $3 for share
), earned as (
    update hold set state = 'earned'
    where job_id = $1 and sponsor_id = $2 and amount_fri = $5::text::numeric and state = 'pending'
      and not exists (select from worker where slashed)
    returning job_id, sponsor_id, amount_fri
), written as (
    insert into receipt (job_id, sponsor_id, worker, attestation, amount_fri)
    select job_id, sponsor_id, $3, $4, amount_fri from earned
    returning 1
)
select (select count(*) from written) as written, exists (select from worker where slashed) as slashed
