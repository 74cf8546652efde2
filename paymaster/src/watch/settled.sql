-- $1 statement, $2 transaction.
update statement set status = 'settled', tx_hash = $2, refusal = null where statement_id = $1
