-- $1 operation: nothing was sent for it, so nothing of it counts. Its hold is voided by void.sql.
with released as (
    update reservation set state = 'released' where operation_id = $1 and state = 'reserved'
    returning sponsor_id, rule_id, fee_max_fri, uses
), given_back as (
    update limit_use l set used = l.used - case u.measure when 'spent_fri' then r.fee_max_fri else 1 end
    from released r, jsonb_to_recordset(r.uses)
        as u (measure text, per text, subject text, time_window text, since timestamptz)
    where l.sponsor_id = r.sponsor_id and l.rule_id = r.rule_id
      and (l.measure, l.per, l.subject, l.time_window, l.since) = (u.measure, u.per, u.subject, u.time_window, u.since)
)
select count(*) from released
