-- $1 chain, $2 pool, $3 job manager, $4 operator, $5 first block.
insert into chain_cursor (chain_id, pool, job_manager, operator, next_block) values ($1, $2, $3, $4, $5)
on conflict do nothing
