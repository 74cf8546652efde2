-- $1 relayer, $2 nonce.
select operation_id, body, l2_gas from operation
where relayer = $1 and nonce = $2 and state = 'sent'
order by created_at, operation_id
