-- $1 only those after this id or null, $2 most.
select statement_id from statement
where operator_r is null and status not in ('settled', 'voided') and ($1::uuid is null or statement_id > $1)
order by statement_id
limit $2
