-- $1 statement, $2 r, $3 s.
update statement
set status = 'countersigned', signature_r = $2, signature_s = $3, retry_at = clock_timestamp()
where statement_id = $1 and status = 'closed'
