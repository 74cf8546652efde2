-- $1 id, $2 sponsor, $3 worker, $4 count, $5 amount, $6 root, $7 jobs in tree order.
with stated as (
    insert into statement (statement_id, sponsor, worker, seq, count, amount_fri, root, status)
    select $1, $2, $3, coalesce(max(seq), 0) + 1, $4, $5::text::numeric, $6, 'closed'
    from statement where sponsor = $2 and worker = $3
    returning statement_id
)
update receipt r
set statement_id = $1, position = leaf.position - 1
from unnest($7::uuid[]) with ordinality as leaf (job_id, position), stated
where r.job_id = leaf.job_id and r.statement_id is null
