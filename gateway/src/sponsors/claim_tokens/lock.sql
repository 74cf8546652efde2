-- $1 sponsor. `claimtok` in the number keeps this lock apart from others that may hash a sponsor.
SELECT pg_advisory_xact_lock(hashtextextended($1, 7164208212675424107))
