-- $1 relayer, $2 nonce, which is lost: what had happened under it has not.
update operation set state = 'failed', reason = 'the chain has taken its block back, and another transaction has used the nonce'
where relayer = $1 and nonce = $2 and state = 'succeeded'
