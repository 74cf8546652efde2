-- $1 worker. Waits for results of it that are being stored.
insert into chain_worker (address, slashed) values ($1, true)
on conflict (address) do update set stake_fri = 0, announced_fri = 0, public_key = null, slashed = true
