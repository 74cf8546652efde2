-- $1 relayer, $2 nonce, of which no node has taken a transaction. What once was in a block stays.
delete from relay_transaction t
where t.relayer = $1 and t.nonce = $2 and t.state = 'open'
  and not exists (select from operation o where o.relayer = t.relayer and o.nonce = t.nonce)
