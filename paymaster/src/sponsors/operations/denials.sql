-- $1 sponsor, $2 how many days.
select rule_id, reason, sum(denials)::bigint as denials from denial
where sponsor_id = $1 and day > (now() at time zone 'utc')::date - $2
group by rule_id, reason
order by denials desc, rule_id, reason
limit 1000
