update settlement_batch b set state = 'done'
where b.state = 'open'
  and not exists (select from statement s where s.batch_id = b.batch_id and s.status = 'sent')
