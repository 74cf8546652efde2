-- $1 operations.
select account, class_hash, device_id from operation where operation_id = any ($1)
