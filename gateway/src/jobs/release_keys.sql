DELETE FROM idempotency WHERE device_id = $1 AND key = ANY ($2)
