-- $1 worker, $2 most. What the operator has not signed is not shown: its worker could not settle it alone.
select statement_id from statement
where worker = $1 and status = 'closed' and operator_r is not null
order by created_at, seq
limit $2
