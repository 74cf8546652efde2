-- $1 operator.
select b.batch_id, b.tx_hash, b.transaction,
       (select count(*) from statement s where s.batch_id = b.batch_id) as statements
from settlement_batch b
where b.operator = $1 and b.state = 'open'
