INSERT INTO sponsor_key (key_id, sponsor_id, name, secret_sha256, scopes, expires_at)
SELECT $1, sponsor_id, $3, $4, $5, now() + $6::int * interval '1 day' FROM sponsor WHERE sponsor_id = $2
