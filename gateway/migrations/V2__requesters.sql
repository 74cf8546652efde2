-- A device's own jobs, newest first. Ids are UUIDv7, so every device appends at the end of its own stretch.
CREATE INDEX job_by_device ON job (device_id, job_id);
