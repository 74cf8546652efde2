-- $1 relayer, $2 nonce.
select operation_id, account, class_hash, device_id, l2_gas from operation
where relayer = $1 and nonce = $2 and state = 'sent'
order by sponsor_id, created_at, operation_id
