-- $1 jobs, $2 their sponsors, $3 their amounts as text. The sponsors are locked by budget.sql.
with line as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[]) as line (job_id, sponsor_id, amount)
), total as (
    select sponsor_id, sum(amount::numeric) as amount_fri from line group by sponsor_id
), guarded as (
    update sponsor s set held_fri = s.held_fri + t.amount_fri from total t where s.sponsor_id = t.sponsor_id
)
insert into hold (job_id, sponsor_id, amount_fri, state)
select job_id, sponsor_id, amount::numeric, 'pending' from line
