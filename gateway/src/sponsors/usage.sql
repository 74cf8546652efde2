-- $1 sponsor, $2 how many days, $3 the most that is counted of each. A UUIDv7 begins with its milliseconds, so a day is a
-- stretch of the index.
SELECT to_char(day.begins, 'YYYY-MM-DD') AS day, counted.jobs
FROM generate_series(0, $2::int - 1) AS back
CROSS JOIN LATERAL (
    SELECT date_trunc('day', now() AT TIME ZONE 'UTC') - back * interval '1 day' AS begins
) AS day
CROSS JOIN LATERAL (
    SELECT (extract(epoch FROM day.begins) * 1000)::bigint AS ms
) AS since
CROSS JOIN LATERAL (
    SELECT count(*) AS jobs
    FROM (
        SELECT FROM job
        -- Compared whole, so that only `job_by_sponsor` serves and no other sponsor's jobs are met.
        WHERE (sponsor_id, job_id) >= ($1, (lpad(to_hex(since.ms), 12, '0') || repeat('0', 20))::uuid)
          AND (sponsor_id, job_id) < ($1, (lpad(to_hex(since.ms + 86400000), 12, '0') || repeat('0', 20))::uuid)
        LIMIT $3
    ) AS seen
) AS counted
ORDER BY back
