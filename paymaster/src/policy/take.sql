-- $1 sponsor, $2 rule, $3 measure, $4 per, $5 subject, $6 window, $7 since when, $8 how much, $9 of at most how much.
-- No row comes back when it is too much.
insert into limit_use (sponsor_id, rule_id, measure, per, subject, time_window, since, used)
select $1, $2, $3, $4, $5, $6, $7, $8::text::numeric where $8::text::numeric <= $9::text::numeric
on conflict (sponsor_id, rule_id, measure, per, subject, time_window, since) do update
set used = limit_use.used + excluded.used
where limit_use.used + excluded.used <= $9::text::numeric
returning 1
