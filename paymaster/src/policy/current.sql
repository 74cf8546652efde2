-- $1 sponsor.
select revision, document from policy where sponsor_id = $1 order by revision desc limit 1
