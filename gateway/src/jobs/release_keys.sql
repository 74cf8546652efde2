-- $1 devices, $2 keys.
DELETE FROM idempotency
USING unnest($1::uuid[], $2::text[]) AS line (device_id, key)
WHERE idempotency.device_id = line.device_id AND idempotency.key = line.key
