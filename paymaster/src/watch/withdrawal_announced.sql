insert into chain_sponsor (address, announced_fri) values ($1, $2::text::numeric)
on conflict (address) do update set announced_fri = excluded.announced_fri
