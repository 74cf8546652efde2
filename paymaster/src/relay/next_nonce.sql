-- $1 relayer, $2 the next nonce by the chain.
select greatest($2, coalesce(max(nonce) + 1, 0))::bigint as nonce from relay_transaction where relayer = $1
