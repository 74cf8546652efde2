-- $1 sponsor, $2 how many days. What an operation did cost beyond its reservation was not the sponsor's.
select r.rule_id,
       count(*) filter (where o.state = 'succeeded') as succeeded,
       count(*) filter (where o.state = 'failed') as failed,
       count(*) filter (where o.state = 'dropped') as dropped,
       count(*) filter (where o.state in ('queued', 'sent')) as on_their_way,
       coalesce(sum(least(o.cost_fri, r.fee_max_fri)), 0)::text as cost
from operation o left join reservation r using (operation_id)
where o.sponsor_id = $1 and o.created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc' - make_interval(days => $2 - 1) and r.rule_id is not null
group by r.rule_id
order by r.rule_id
limit 1000
