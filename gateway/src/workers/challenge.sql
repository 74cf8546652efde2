WITH over AS (DELETE FROM worker_challenge WHERE worker = $2 AND expires_at < now())
INSERT INTO worker_challenge (challenge, worker, expires_at)
VALUES ($1, $2, now() + $3::bigint * interval '1 second')
