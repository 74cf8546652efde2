-- $1 key.
update sponsorship_key set revoked_at = now() where key_id = $1 and revoked_at is null and expires_at > now()
