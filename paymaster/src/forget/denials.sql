-- $1 how many days are kept.
delete from denial where day < (now() at time zone 'utc')::date - $1
