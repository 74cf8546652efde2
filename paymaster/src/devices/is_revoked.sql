select 1 from revoked_device where device_id = $1
