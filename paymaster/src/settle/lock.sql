-- $1 key. True when this session holds the lock, now or already.
select case
    when exists (
        select from pg_locks
        where locktype = 'advisory' and pid = pg_backend_pid() and granted and objsubid = 1
          and classid = ($1::bigint >> 32)::oid and objid = ($1::bigint & 4294967295)::oid
          and database = (select oid from pg_database where datname = current_database())
    ) then true
    else pg_try_advisory_lock($1)
end
