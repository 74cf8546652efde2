-- What was kept only for a while.
DELETE FROM assertion_seen WHERE expires_at < now();
DELETE FROM worker_challenge WHERE expires_at < now();
DELETE FROM idempotency WHERE expires_at < now();
