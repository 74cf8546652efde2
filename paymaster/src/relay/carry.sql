-- $1 relayer, $2 nonce, $3 operations that it has claimed.
update operation set state = 'sent', nonce = $2
where operation_id = any ($3) and state = 'queued' and relayer = $1
