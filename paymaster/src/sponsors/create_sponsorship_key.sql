-- $1 key, $2 sponsor, $3 name, $4 hash of the secret, $5 days. No row is written where there is no such sponsor.
insert into sponsorship_key (key_id, sponsor_id, name, secret_sha256, expires_at)
select $1, sponsor_id, $3, $4, now() + make_interval(days => $5) from sponsor where sponsor_id = $2
