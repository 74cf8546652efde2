-- $1 kinds, $2 names, $3 seen, $4 included, $5 reverted, in millionths of an operation, $6 what reverts cost, as text, $7 now.
-- Rows are locked in the order of the lists. Costs end at 10^38 fri, which are not there: the column has no room for twice that.
insert into reputation as r (
    kind, name, seen_millionths, included_millionths, reverted_millionths, revert_cost_fri, decayed_to
)
select kind, name, seen, included, reverted, least(cost::numeric, 1e38), $7
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) with ordinality
    as added (kind, name, seen, included, reverted, cost, place)
order by place
on conflict (kind, name) do update set
    seen_millionths = decayed(r.seen_millionths, whole_hours(r.decayed_to, $7)) + excluded.seen_millionths,
    included_millionths = decayed(r.included_millionths, whole_hours(r.decayed_to, $7)) + excluded.included_millionths,
    reverted_millionths = decayed(r.reverted_millionths, whole_hours(r.decayed_to, $7)) + excluded.reverted_millionths,
    revert_cost_fri = least(decayed(r.revert_cost_fri, whole_hours(r.decayed_to, $7)) + excluded.revert_cost_fri, 1e38),
    decayed_to = r.decayed_to + whole_hours(r.decayed_to, $7) * interval '1 hour'
