select next_block, hash from chain_checkpoint order by next_block
