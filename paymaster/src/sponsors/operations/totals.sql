-- $1 sponsor, $2 how many days. One row for all, and one for each rule, device and key; of those the hundred that cost most.
-- What an operation did cost beyond its reservation was not the sponsor's.
with ended as (
    select o.state, o.device_id, o.key_id, r.rule_id, least(o.cost_fri, r.fee_max_fri) as cost_fri
    from operation o left join reservation r using (operation_id)
    where o.sponsor_id = $1
      and o.created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc' - make_interval(days => $2 - 1)
), total as (
    select grouping(rule_id, device_id, key_id) as apart, rule_id, device_id, key_id,
           count(*) filter (where state = 'succeeded') as succeeded,
           count(*) filter (where state = 'failed') as failed,
           count(*) filter (where state = 'dropped') as dropped,
           count(*) filter (where state in ('queued', 'sent')) as on_their_way,
           coalesce(sum(cost_fri), 0) as cost_fri
    from ended
    group by grouping sets ((), (rule_id), (device_id), (key_id))
), ranked as (
    select *, row_number() over (partition by apart order by cost_fri desc, rule_id, device_id, key_id) as place
    from total
    -- What has no device is told with all, and not as a device of its own.
    where apart = 7 or coalesce(rule_id, device_id::text, key_id::text) is not null
)
select rule_id, device_id, key_id, succeeded, failed, dropped, on_their_way, cost_fri::text as cost
from ranked where place <= 100
order by apart, place
