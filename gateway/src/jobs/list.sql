-- $4 model or null, $5 status or null, $6 how many rows to show.
-- The limits of one keep the lookups what they are: two for each row looked at, however large the tables grow.
, found AS (
    SELECT looked.job_id, looked.device_id, looked.model_id, looked.created_at,
           live.state, done.status, done.reason, done.finished_at
    FROM looked
    LEFT JOIN LATERAL (SELECT state FROM job_live WHERE job_id = looked.job_id LIMIT 1) AS live ON true
    LEFT JOIN LATERAL (
        SELECT status, reason, finished_at FROM job_done WHERE job_id = looked.job_id LIMIT 1
    ) AS done ON true
    WHERE looked.model_id = coalesce($4, looked.model_id)
      AND ($5::text IS NULL
           OR coalesce(done.status, CASE live.state WHEN 'leased' THEN 'running' ELSE 'queued' END) = $5)
    ORDER BY looked.job_id DESC
    LIMIT $6
)
SELECT scan.looked, scan.horizon, found.*
FROM (
    SELECT count(*) AS looked, (array_agg(job_id ORDER BY job_id))[1] AS horizon FROM looked
) AS scan
LEFT JOIN found ON true
ORDER BY found.job_id DESC
