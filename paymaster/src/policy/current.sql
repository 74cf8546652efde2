-- $1 sponsor, $2 which revision, or null for the newest.
select revision, document from policy
where sponsor_id = $1 and ($2::integer is null or revision = $2)
order by revision desc limit 1
