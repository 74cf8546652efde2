-- $1 relayer, $2 nonce.
select operation_id from operation where relayer = $1 and nonce = $2 and state in ('succeeded', 'failed')
