-- Kept twice as long as it could be answered, whatever the clocks of the replicas say.
INSERT INTO worker_challenge (challenge, worker, expires_at)
VALUES ($1, $2, now() + 2 * $3::bigint * interval '1 second')
ON CONFLICT (challenge) DO NOTHING
