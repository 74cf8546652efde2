-- $1 key.
select sponsor_id, secret_sha256 from sponsorship_key
where key_id = $1 and revoked_at is null and expires_at > now()
