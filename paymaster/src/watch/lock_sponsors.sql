-- $1 addresses of sponsors, $2 addresses of workers whose unpaid results will be voided. In the order of ids, and both
-- rows of each, as everyone who touches several sponsors does.
select from chain_sponsor c join sponsor s using (address)
where c.address = any($1)
   or s.sponsor_id in (
       select r.sponsor_id from receipt r join hold h using (job_id)
       where r.worker = any($2) and h.state = 'earned'
   )
order by s.sponsor_id
for no key update of c, s
