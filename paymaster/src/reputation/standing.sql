-- $1 kinds, $2 names: counters as they were at decayed_to, with each subject's place in the lists, from 1.
select w.place, r.seen_millionths, r.included_millionths, r.reverted_millionths, r.revert_cost_fri::text as revert_cost, r.decayed_to
from unnest($1, $2) with ordinality as w (kind, name, place)
join reputation r on r.kind = w.kind and r.name = w.name
order by w.place
