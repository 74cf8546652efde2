-- One array for each column of what was earned.
-- The workers' rows are locked against their slashing: a receipt is either there when the slashing looks for what to
-- void, or it is never written.
with line as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
        as line (job_id, sponsor_id, worker, attestation, amount)
), known as (
    select address, slashed from chain_worker where address in (select worker from line) order by address for share
), earned as (
    update hold h set state = 'earned'
    from line l
    where h.job_id = l.job_id and h.sponsor_id = l.sponsor_id and h.amount_fri = l.amount::numeric
      and h.state = 'pending' and not exists (select from known k where k.address = l.worker and k.slashed)
    returning h.job_id, h.sponsor_id, h.amount_fri, l.worker, l.attestation
), written as (
    insert into receipt (job_id, sponsor_id, worker, attestation, amount_fri)
    select job_id, sponsor_id, worker, attestation, amount_fri from earned
    returning job_id
)
select l.job_id, l.worker, w.job_id is not null as written, coalesce(k.slashed, false) as slashed
from line l left join written w using (job_id) left join known k on k.address = l.worker
