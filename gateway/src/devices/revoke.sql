-- The first revocation stays the one that counts.
UPDATE device SET revoked_at = coalesce(revoked_at, now())
WHERE device_id = $1 AND sponsor_id = $2
RETURNING serial, sponsor_id, revoked_at
