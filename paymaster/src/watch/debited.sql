-- $1 sponsor, $2 amount, $3 the epoch it was spent in.
update chain_sponsor
set deposit_fri = deposit_fri - $2::text::numeric,
    epoch_spent_fri = case when spent_epoch = $3 then epoch_spent_fri else 0 end + $2::text::numeric,
    spent_epoch = $3
where address = $1
