-- $1 sponsor, $2 jobs, $3 their amounts as text, $4 the sum of these. The sponsor is locked by budget.sql.
with guarded as (
    update sponsor set held_fri = held_fri + $4::text::numeric where sponsor_id = $1
    returning sponsor_id
)
insert into hold (job_id, sponsor_id, amount_fri, state)
select line.job_id, guarded.sponsor_id, line.amount::numeric, 'pending'
from guarded, unnest($2::uuid[], $3::text[]) as line (job_id, amount)
