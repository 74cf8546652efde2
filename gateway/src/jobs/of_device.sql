-- $1 device, $2 the id that everything shown is older than, or null, $3 how many rows to look at.
-- Rows are compared whole and ordered by both columns, which only `job_by_device` can do. Told `device_id = $1` instead,
-- the planner may walk the primary key backwards and meet everybody's jobs on the way to those of a quiet device.
WITH looked AS MATERIALIZED (
    SELECT job_id, device_id, model_id, created_at
    FROM job
    WHERE (device_id, job_id) < ($1, coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) AND device_id >= $1
    ORDER BY device_id DESC, job_id DESC
    LIMIT $3
)
