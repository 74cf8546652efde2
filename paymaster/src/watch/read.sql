select chain_id, pool, job_manager, operator, next_block, last_block_hash, allowance_epoch_s from chain_cursor
