-- Operations of an account ($1), of a class ($2) or of a device ($3) that have not ended.
select count(*) from operation
where state in ('queued', 'sent') and (account = $1 or class_hash = $2 or device_id = $3)
