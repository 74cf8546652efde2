-- $1 relayer, $2 nonce, of which no node has taken a transaction.
delete from relay_transaction where relayer = $1 and nonce = $2 and state = 'open'
