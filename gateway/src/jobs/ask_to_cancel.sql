-- The row is locked by cancelable.sql.
UPDATE job_live SET cancel_requested = true WHERE job_id = $1
