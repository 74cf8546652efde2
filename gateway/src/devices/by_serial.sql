SELECT device_id, key_x, key_y FROM device WHERE sponsor_id = $1 AND serial = $2
