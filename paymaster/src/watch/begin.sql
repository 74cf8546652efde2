-- $1 chain, $2 pool, $3 job manager, $4 operator, $5 first block, $6 length of an epoch of allowances in seconds.
insert into chain_cursor (chain_id, pool, job_manager, operator, next_block, allowance_epoch_s)
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing
