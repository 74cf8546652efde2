DELETE FROM webhook_outbox WHERE event_id = $1 AND claims = $2
