-- $1 sponsor, $2 limit, $3 from when it counts, $4 limit until then.
insert into chain_sponsor (address, allowance_per_epoch_fri, allowance_counts_from, allowance_before_fri)
values ($1, $2::text::numeric, $3, $4::text::numeric)
on conflict (address) do update
set allowance_per_epoch_fri = excluded.allowance_per_epoch_fri,
    allowance_counts_from = excluded.allowance_counts_from,
    allowance_before_fri = excluded.allowance_before_fri
