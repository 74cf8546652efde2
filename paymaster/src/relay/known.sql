-- $1 account, $2 what it signed.
select operation_id from operation
where account = $1 and message_hash = $2 and state in ('queued', 'sent', 'succeeded')
