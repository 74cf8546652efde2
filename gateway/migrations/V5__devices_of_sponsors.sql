-- A sponsor's devices, newest first. Ids are UUIDv7.
CREATE INDEX device_by_sponsor ON device (sponsor_id, device_id);
