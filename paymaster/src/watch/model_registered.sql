insert into chain_model (model_id, level, min_price_fri, min_stake_fri)
values ($1, $2::text::smallint, $3::text::numeric, $4::text::numeric)
on conflict do nothing
