-- $1 operation, $2 why it failed, null where it has happened. One that was asked for again after it had failed stays failed.
update operation o set state = case when $2 is null then 'succeeded' else 'failed' end, reason = $2
where o.operation_id = $1 and o.state in ('succeeded', 'failed')
  and not ($2 is null and o.state = 'failed' and exists (
      select from operation again
      where again.account = o.account and again.message_hash = o.message_hash
        and again.state in ('queued', 'sent', 'succeeded')
  ))
