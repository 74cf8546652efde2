-- $1 operation, $2 what it did cost: the hold shrinks to it, and what limits of spending were kept back beyond it is free.
with captured as (
    update reservation set state = 'captured', fee_fri = least($2::text::numeric, fee_max_fri)
    where operation_id = $1 and state = 'reserved'
    returning operation_id, sponsor_id, rule_id, fee_fri, fee_max_fri - fee_fri as rest_fri, uses
), shrunk as (
    update hold h set amount_fri = c.fee_fri
    from captured c
    where h.job_id = c.operation_id and h.state = 'pending'
    returning c.sponsor_id, c.rest_fri
), freed as (
    update sponsor s set held_fri = s.held_fri - r.rest_fri
    from shrunk r where s.sponsor_id = r.sponsor_id
    returning 1
), given_back as (
    update limit_use l set used = l.used - c.rest_fri
    from captured c, jsonb_to_recordset(c.uses)
        as u (measure text, per text, subject text, time_window text, since timestamptz)
    where u.measure = 'spent_fri' and l.sponsor_id = c.sponsor_id and l.rule_id = c.rule_id
      and (l.measure, l.per, l.subject, l.time_window, l.since) = (u.measure, u.per, u.subject, u.time_window, u.since)
)
select c.fee_fri::text as fee, (select count(*) from freed) as freed from captured c
