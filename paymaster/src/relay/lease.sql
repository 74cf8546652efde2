-- $1 relayer, $2 the fencing token that is held, or 0, $3 for how many seconds, $4 whether it can send. No row comes back where
-- another holds it.
insert into relayer as r (address, fence, leased_until, able)
values ($1, 1, now() + make_interval(secs => $3), $4)
on conflict (address) do update
set fence = case when r.fence = $2 then r.fence else r.fence + 1 end, leased_until = excluded.leased_until, able = excluded.able
where r.fence = $2 or r.leased_until <= now()
returning fence
