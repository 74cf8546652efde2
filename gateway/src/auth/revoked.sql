-- $1 how long a token lives, in seconds.
SELECT device_id FROM device WHERE revoked_at > now() - $1::bigint * interval '1 second'
