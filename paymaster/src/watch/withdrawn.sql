update chain_sponsor set deposit_fri = deposit_fri - $2::text::numeric, announced_fri = 0 where address = $1
