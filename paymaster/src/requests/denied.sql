-- $1 sponsor, $2 key, $3 rule, $4 reason.
insert into denial (sponsor_id, day, key_id, rule_id, reason, denials)
values ($1, (now() at time zone 'utc')::date, $2, $3, $4, 1)
on conflict (sponsor_id, day, key_id, rule_id, reason) do update set denials = denial.denials + 1
