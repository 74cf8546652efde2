-- $1 pool, $2 how many, $3 lease. In the order of ids, which is the order of time; a row that another gateway decides on is
-- left to it. What this very lease was granted before comes first, being older: its reply was lost.
SELECT job_id FROM job_live
WHERE pool = $1 AND (
    (state = 'queued' AND start_until > clock_timestamp() AND run_at <= clock_timestamp())
    OR (state = 'leased' AND lease_id = $3)
)
ORDER BY job_id
LIMIT $2
FOR UPDATE SKIP LOCKED
