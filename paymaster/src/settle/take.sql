-- $1 batch, $2 statements.
update statement set status = 'sent', batch_id = $1, attempts = attempts + 1
where statement_id = any($2) and status = 'countersigned'
