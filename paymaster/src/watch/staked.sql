insert into chain_worker as w (address, stake_fri) values ($1, $2::text::numeric)
on conflict (address) do update set stake_fri = w.stake_fri + excluded.stake_fri
