-- $1 how many days are kept, $2 how many go at most. Those that carried something that is kept stay too.
with old as (
    select relayer, nonce from relay_transaction t
    where state <> 'open' and opened_at < now() - make_interval(days => $1)
      and not exists (select from operation o where o.relayer = t.relayer and o.nonce = t.nonce)
    order by opened_at
    limit $2
    for update skip locked
)
delete from relay_transaction t using old where t.relayer = old.relayer and t.nonce = old.nonce
