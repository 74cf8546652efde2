-- $1 secret, $2 sponsor, $3 hash, $4 how many may be live.
INSERT INTO webhook_secret (secret_id, sponsor_id, secret_sha256)
SELECT $1, $2, $3
WHERE $4::bigint > (
    SELECT count(*) FROM webhook_secret
    WHERE sponsor_id = $2 AND (expires_at IS NULL OR expires_at > clock_timestamp())
)
