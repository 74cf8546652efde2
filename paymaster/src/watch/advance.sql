-- $1 from, $2 to, $3 hash of the block before `to`.
update chain_cursor set next_block = $2, last_block_hash = $3 where next_block = $1
