-- $1 sponsor, $2 how many that have ended stay.
DELETE FROM claim_token
WHERE token_sha256 IN (
    SELECT token_sha256 FROM claim_token
    WHERE sponsor_id = $1 AND (revoked_at IS NOT NULL OR expires_at <= now() OR claims_left = 0)
    ORDER BY claim_token_id DESC
    OFFSET $2
)
