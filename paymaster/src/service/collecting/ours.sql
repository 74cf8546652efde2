-- $1 jobs of receipts: how many of them are operations that have ended on chain.
select count(*) from operation where operation_id = any ($1) and state in ('succeeded', 'failed')
