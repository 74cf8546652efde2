-- $1 id, $2 sponsor, $3 hash, $4 name, $5 claims, $6 serials, $7 how long it lives, in seconds.
INSERT INTO claim_token (claim_token_id, sponsor_id, token_sha256, name, claims_left, claims_max, serials, expires_at)
SELECT $1, sponsor_id, $3, $4, $5, $5, $6, now() + $7::bigint * interval '1 second' FROM sponsor WHERE sponsor_id = $2
RETURNING expires_at
