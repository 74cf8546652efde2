-- $1 hash, $2 relayer, $3 nonce, $4 which attempt, $5 the transaction, $6 its bounds, $7 its tip.
insert into relay_attempt (tx_hash, relayer, nonce, number, transaction, bounds, tip_fri)
values ($1, $2, $3, $4, $5, $6, $7)
