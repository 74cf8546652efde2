-- Reports go back 31 days.
delete from denial where day < (now() at time zone 'utc')::date - 62
