-- $1 job, $2 sponsor, $3 worker, $4 attestation, $5 amount.
with earned as (
    update hold set state = 'earned'
    where job_id = $1 and sponsor_id = $2 and amount_fri = $5::text::numeric and state = 'pending'
    returning job_id, sponsor_id, amount_fri
), written as (
    insert into receipt (job_id, sponsor_id, worker, attestation, amount_fri)
    select job_id, sponsor_id, $3, $4, amount_fri from earned
    returning 1
)
select count(*) from written
