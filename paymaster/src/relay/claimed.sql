-- $1 relayer, $2 operations.
update operation set relayer = $1 where operation_id = any ($2)
