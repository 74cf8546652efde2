-- $1 claim token, $2 sponsor. The first revocation stays the one that counts.
UPDATE claim_token SET revoked_at = coalesce(revoked_at, now())
WHERE claim_token_id = $1 AND sponsor_id = $2
RETURNING claim_token_id, name, claims_left, claims_max, cardinality(serials) AS serials_count, created_at, expires_at, revoked_at
