SELECT sponsor_id, key_x, key_y FROM device WHERE device_id = $1 AND revoked_at IS NULL
