-- $1 hash of the token, $2 serial.
SELECT sponsor_id, claims_left, serials IS NULL OR $2 = ANY (serials) AS is_for_serial
FROM claim_token
WHERE token_sha256 = $1 AND expires_at > now() AND revoked_at IS NULL
FOR UPDATE
