insert into chain_sponsor as c (address, deposit_fri) values ($1, $2::text::numeric)
on conflict (address) do update set deposit_fri = c.deposit_fri + excluded.deposit_fri
