-- $1 relayer, $2 nonce.
insert into relay_transaction (relayer, nonce) values ($1, $2)
