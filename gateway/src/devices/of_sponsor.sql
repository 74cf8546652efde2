SELECT serial, sponsor_id, revoked_at FROM device WHERE device_id = $1 AND sponsor_id = $2
