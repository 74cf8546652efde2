-- $1 operation, $2 sponsor, $3 revision, $4 rule, $5 the most that it may cost, $6 what it takes of limits.
insert into reservation (operation_id, sponsor_id, revision, rule_id, fee_max_fri, uses)
values ($1, $2, $3, $4, $5::text::numeric, $6)
