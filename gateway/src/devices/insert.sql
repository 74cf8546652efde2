INSERT INTO device (device_id, sponsor_id, serial, public_key) VALUES ($1, $2, $3, $4)
ON CONFLICT (sponsor_id, serial) WHERE revoked_at IS NULL DO NOTHING
