-- $1 batch, $2 operator, $3 nonce, $4 transaction hash, $5 transaction. The same bytes may be due again, where the chain has taken
-- back the block that they were in; then it is the batch of before.
insert into settlement_batch as b (batch_id, operator, nonce, tx_hash, transaction) values ($1, $2, $3, $4, $5)
on conflict (tx_hash) do update set state = 'open', failure = null where b.state <> 'open'
returning batch_id
