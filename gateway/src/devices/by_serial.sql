-- The enrolled device of this serial, or a revoked one with this very key.
SELECT device_id, key_x, key_y, revoked_at IS NOT NULL AS revoked
FROM device
WHERE sponsor_id = $1 AND serial = $2 AND (revoked_at IS NULL OR (key_x = $3 AND key_y = $4))
ORDER BY revoked_at NULLS FIRST
LIMIT 1
