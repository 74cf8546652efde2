-- $1 sponsor. A token that is used up enrols nobody any more, so it counts as ended.
SELECT count(*) FROM claim_token
WHERE sponsor_id = $1 AND revoked_at IS NULL AND expires_at > now() AND claims_left > 0
