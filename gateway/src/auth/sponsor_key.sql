SELECT sponsor_id, secret_sha256, scopes
FROM sponsor_key
WHERE key_id = $1 AND revoked_at IS NULL AND expires_at > now()
