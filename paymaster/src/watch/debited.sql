-- $1 sponsor, $2 amount, $3 the epoch it was spent in, or null when not through our operator.
update chain_sponsor
set deposit_fri = deposit_fri - $2::text::numeric,
    epoch_spent_fri = case
        when $3::bigint is null then epoch_spent_fri
        when spent_epoch = $3 then epoch_spent_fri + $2::text::numeric
        else $2::text::numeric
    end,
    spent_epoch = coalesce($3, spent_epoch)
where address = $1
