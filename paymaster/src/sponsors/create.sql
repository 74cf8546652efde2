-- $1 id, $2 name, $3 address, $4 price ceiling, $5 spend limit.
insert into sponsor (sponsor_id, name, address, price_ceiling_fri, spend_limit_fri)
values ($1, $2, $3, $4::text::numeric, $5::text::numeric)
