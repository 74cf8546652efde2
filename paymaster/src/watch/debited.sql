-- $1 sponsor, $2 amount, $3 whether through our operator.
update chain_sponsor
set deposit_fri = deposit_fri - $2::text::numeric,
    allowance_fri = allowance_fri - case when $3 then $2::text::numeric else 0 end
where address = $1
