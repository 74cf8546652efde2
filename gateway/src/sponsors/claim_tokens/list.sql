-- $1 sponsor, $2 the id that everything shown is older than, or null, $3 how many.
SELECT claim_token_id, name, claims_left, claims_max, cardinality(serials) AS serials_count, created_at, expires_at, revoked_at
FROM claim_token
WHERE sponsor_id = $1 AND claim_token_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY claim_token_id DESC
LIMIT $3
