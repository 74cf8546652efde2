-- $1 receipts in a full statement, $2 longest wait in milliseconds.
select r.sponsor_id, s.address as sponsor, r.worker, count(*) as waiting,
       min(r.created_at) <= clock_timestamp() - $2::bigint * interval '1 millisecond' as overdue
from receipt r join sponsor s using (sponsor_id) join hold h using (job_id)
where r.statement_id is null and h.state = 'earned'
group by r.sponsor_id, s.address, r.worker
having count(*) >= $1 or min(r.created_at) <= clock_timestamp() - $2::bigint * interval '1 millisecond'
order by min(r.created_at)
