-- $1 the first block that was taken back. What relayers sent is in no block any more, and is sent again as it was.
with reopened as (
    update relay_transaction set state = 'open', opened_at = now(), tx_hash = null, fee_fri = null, block = null
    where block >= $1 and state in ('succeeded', 'reverted')
    returning relayer, nonce
), unsent as (
    update relay_attempt a set sent_at = null from reopened r where a.relayer = r.relayer and a.nonce = r.nonce
)
select count(*) from reopened
