-- $1 relayer. What another relayer has claimed is free again once nobody acts for that one.
select o.operation_id, o.body, o.felts, o.l2_gas, o.alone, o.together_max, o.trace
from operation o
where o.state = 'queued'
  and (o.relayer is null or o.relayer = $1
       or exists (select 1 from relayer r where r.address = o.relayer and r.leased_until <= now()))
order by o.created_at, o.operation_id
limit 400
for update of o skip locked
