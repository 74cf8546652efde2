-- $1 seconds that an operation must have left.
select operation_id from operation
where state = 'queued' and expires_at <= now() + make_interval(secs => $1)
order by sponsor_id, created_at, operation_id
limit 200
for update skip locked
