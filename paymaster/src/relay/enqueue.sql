-- $1 operation, $2 account, $3 its class, $4 what it signed, $5 the parts of the call, $6 sponsor, $7 its key, $8 device,
-- $9 felts, $10 L2 gas, $11 alone, $12 when it is too late, $13 its trace. No row is written where the same is carried already.
insert into operation
    (operation_id, account, class_hash, message_hash, body, sponsor_id, key_id, device_id, felts, l2_gas, alone,
     together_max, expires_at, trace)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 200, $12, $13)
on conflict (account, message_hash) where state in ('queued', 'sent', 'succeeded') do nothing
