-- What was kept only for a while.
DELETE FROM assertion_seen WHERE expires_at < now();
DELETE FROM worker_challenge WHERE expires_at < now();
DELETE FROM idempotency WHERE expires_at < now();
-- A month, as `limits::WEBHOOK_FAILED_DAYS` says.
DELETE FROM webhook_outbox WHERE failed_at < now() - interval '30 days';
DELETE FROM webhook_secret WHERE expires_at < now() - interval '30 days';
