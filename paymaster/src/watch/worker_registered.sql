insert into chain_worker (address, public_key) values ($1, $2)
on conflict (address) do update set public_key = excluded.public_key
