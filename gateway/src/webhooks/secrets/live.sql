SELECT secret_id, secret_sha256, created_at, expires_at
FROM webhook_secret
WHERE sponsor_id = $1 AND (expires_at IS NULL OR expires_at > now())
ORDER BY secret_id
