-- $1 sponsor or worker whose means have changed: what was refused for lack of them need not wait longer.
update statement set retry_at = clock_timestamp()
where (sponsor = $1 or worker = $1) and status = 'countersigned' and refusal is not null
