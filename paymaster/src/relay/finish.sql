-- $1 relayer, $2 nonce, $3 how it ended, $4 the hash that is in a block, $5 what it did cost, $6 the block.
update relay_transaction set state = $3, tx_hash = $4, fee_fri = $5::text::numeric, block = $6
where relayer = $1 and nonce = $2 and state = 'open'
