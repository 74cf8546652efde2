-- $1 event, $2 sponsor. Its receiver counts as wanting again what it has refused for good.
WITH again AS (
    UPDATE webhook_outbox
    SET failed_at = NULL, tries = 0, due_at = clock_timestamp()
    WHERE event_id = $1 AND sponsor_id = $2 AND failed_at IS NOT NULL
    RETURNING event_id, url
), wanted AS (
    DELETE FROM webhook_gone USING again WHERE webhook_gone.sponsor_id = $2 AND webhook_gone.url = again.url
)
SELECT event_id FROM again
