INSERT INTO device (device_id, sponsor_id, serial, key_x, key_y) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (sponsor_id, serial) WHERE revoked_at IS NULL DO NOTHING
