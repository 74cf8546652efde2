insert into chain_sponsor (address, allowance_per_epoch_fri) values ($1, $2::text::numeric)
on conflict (address) do update set allowance_per_epoch_fri = excluded.allowance_per_epoch_fri
