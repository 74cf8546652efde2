-- $1 sponsor, $2 the id that everything shown is older than, or null, $3 how many.
-- Rows are compared whole and ordered by both columns, which only `device_by_sponsor` can do.
SELECT device_id, serial, sponsor_id, revoked_at
FROM device
WHERE (sponsor_id, device_id) < ($1, coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) AND sponsor_id >= $1
ORDER BY sponsor_id DESC, device_id DESC
LIMIT $3
