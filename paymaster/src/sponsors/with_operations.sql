select distinct s.address from sponsor s join operation o using (sponsor_id)
where o.created_at > now() - interval '90 days'
order by s.address
