-- $1 how many days are kept, $2 how many go at most. What they did cost stays: holds and receipts are the ledger's.
with old as (
    select operation_id from operation
    where ended_at < now() - make_interval(days => $1)
    order by ended_at
    limit $2
    for update skip locked
), reserved as (
    delete from reservation r using old where r.operation_id = old.operation_id and r.state <> 'reserved'
)
delete from operation o using old where o.operation_id = old.operation_id
