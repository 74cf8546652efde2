-- $1 operations.
update operation set relayer = null where operation_id = any ($1) and state = 'queued'
