-- $1 how long a revocation is kept, in seconds.
delete from revoked_device where revoked_at < now() - $1::bigint * interval '1 second'
