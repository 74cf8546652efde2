-- $1 address.
select public_key, greatest(stake_fri - announced_fri, 0)::text as stake
from chain_worker
where address = $1 and public_key is not null
