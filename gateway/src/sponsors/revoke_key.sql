UPDATE sponsor_key SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL AND expires_at > now()
