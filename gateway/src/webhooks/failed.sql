-- $1 sponsor, $2 the event that everything shown is older than, or null, $3 how many.
SELECT event_id, kind, job_id, url, tries, last_status, reason, failed_at
FROM webhook_outbox
WHERE sponsor_id = $1 AND failed_at IS NOT NULL
  AND event_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY event_id DESC
LIMIT $3
