-- $1 hosts that are called often enough at once, $2 how long a delivery may take, in milliseconds.
WITH due AS (
    SELECT event_id
    FROM webhook_outbox
    WHERE failed_at IS NULL AND due_at <= now() AND host <> ALL ($1::text[])
    ORDER BY due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE webhook_outbox AS box
SET claims = claims + 1, due_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
FROM due, job
WHERE box.event_id = due.event_id AND job.job_id = box.job_id
RETURNING box.event_id, box.kind, box.job_id, box.sponsor_id, box.url, box.host, box.happened_at, box.claims, box.tries,
          job.device_id, job.trace,
          EXISTS (SELECT FROM webhook_gone AS gone WHERE gone.sponsor_id = box.sponsor_id AND gone.url = box.url) AS gone
