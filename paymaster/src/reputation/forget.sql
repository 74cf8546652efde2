-- $1 now, $2 when a row must have been written last, $3 how many at most.
with nothing as (
    select kind, name from reputation
    where decayed_to <= $2
      and decayed(
          greatest(seen_millionths, included_millionths, reverted_millionths, revert_cost_fri), whole_hours(decayed_to, $1)
      ) = 0
    limit $3
    for update skip locked
), forgotten as (
    delete from reputation r using nothing n where r.kind = n.kind and r.name = n.name returning 1
)
select count(*) as forgotten from forgotten
