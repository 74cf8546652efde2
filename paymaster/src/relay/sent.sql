-- $1 hash.
update relay_attempt set sent_at = now() where tx_hash = $1
