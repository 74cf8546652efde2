-- $1 operation, $2 how it ended, $3 why, $4 what it did cost. No row comes back where it had ended before.
update operation set state = $2, reason = $3, cost_fri = $4::text::numeric, ended_at = now()
where operation_id = $1 and state in ('queued', 'sent')
returning sponsor_id
