-- $1 sponsor.
select max(revision) from policy where sponsor_id = $1
