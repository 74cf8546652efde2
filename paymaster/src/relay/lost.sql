-- $1 relayer, $2 nonce.
update relay_transaction set state = 'lost' where relayer = $1 and nonce = $2 and state = 'open'
