SELECT sponsor_id, claims_left
FROM claim_token
WHERE token_sha256 = $1 AND expires_at > now()
FOR UPDATE
