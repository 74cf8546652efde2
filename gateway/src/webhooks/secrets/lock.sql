-- $1 sponsor. `webhooks` in the number keeps this lock apart from others that may hash a sponsor.
SELECT pg_advisory_xact_lock(hashtextextended($1, 8460390461085445235))
