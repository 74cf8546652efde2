select chain_id, pool, job_manager, operator, next_block, last_block_hash from chain_cursor
