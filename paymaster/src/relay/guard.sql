-- $1 relayer, $2 fencing token. The row stays locked against the next lease.
select 1 from relayer where address = $1 and fence = $2 for share
