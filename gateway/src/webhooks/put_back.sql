-- $3 status or null, $4 reason, $5 when to try again in milliseconds, or null for never.
UPDATE webhook_outbox
SET tries = tries + 1, last_status = $3, reason = $4,
    due_at = clock_timestamp() + coalesce($5::bigint, 0) * interval '1 millisecond',
    failed_at = CASE WHEN $5::bigint IS NULL THEN clock_timestamp() END
WHERE event_id = $1 AND claims = $2
