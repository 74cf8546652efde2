-- $1 sponsor, $2 serial, $3 key.
-- The enrolled device of this serial, or a revoked one with this very key.
SELECT device_id, public_key = $3 AS same_key, revoked_at IS NOT NULL AS revoked
FROM device
WHERE sponsor_id = $1 AND serial = $2 AND (revoked_at IS NULL OR public_key = $3)
ORDER BY revoked_at NULLS FIRST
LIMIT 1
