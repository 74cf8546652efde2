-- $1 batch, $2 operator, $3 nonce, $4 transaction hash, $5 transaction.
insert into settlement_batch (batch_id, operator, nonce, tx_hash, transaction) values ($1, $2, $3, $4, $5)
