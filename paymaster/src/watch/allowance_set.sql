insert into chain_sponsor (address, allowance_fri) values ($1, $2::text::numeric)
on conflict (address) do update set allowance_fri = excluded.allowance_fri
