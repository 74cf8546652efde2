select next_block from chain_cursor
