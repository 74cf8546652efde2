-- $1 batch, $2 reason. Waits twice as long each time, five minutes at most.
with failed as (
    update settlement_batch set state = 'failed', failure = $2 where batch_id = $1 and state = 'open'
    returning batch_id
)
update statement s
set status = 'countersigned', batch_id = null, refusal = $2,
    retry_at = clock_timestamp() + least(interval '5 minutes', interval '1 second' * 2 ^ least(s.attempts, 12))
from failed f
where s.batch_id = f.batch_id and s.status = 'sent'
