-- $1 sponsor.
select price_ceiling_fri::text as ceiling from sponsor where sponsor_id = $1
