-- $1 sponsor, $2 worker, $3 seq, $4 reason, $5 transaction. Waits twice as long each time, five minutes at most.
-- A signature that the chain does not accept is worthless, so the worker is asked for another.
update statement s
set status = case when $4 = 'bad_signature' then 'closed' else 'countersigned' end,
    signature_r = case when $4 = 'bad_signature' then null else signature_r end,
    signature_s = case when $4 = 'bad_signature' then null else signature_s end,
    batch_id = null,
    refusal = $4,
    retry_at = clock_timestamp() + least(interval '5 minutes', interval '1 second' * 2 ^ least(attempts, 12))
where sponsor = $1 and worker = $2 and seq = $3 and status = 'sent'
  and exists (select from settlement_batch b where b.batch_id = s.batch_id and b.tx_hash = $5)
