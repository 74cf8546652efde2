update chain_worker set stake_fri = stake_fri - $2::text::numeric, announced_fri = 0 where address = $1
