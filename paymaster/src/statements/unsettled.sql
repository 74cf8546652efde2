-- $1 worker, $2 only those after this id or null, $3 most.
select statement_id from statement
where worker = $1 and status not in ('settled', 'voided') and ($2::uuid is null or statement_id > $2)
order by statement_id
limit $3
