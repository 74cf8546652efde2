-- $1 public key. What another key has signed must be signed anew.
update statement set operator_key = null, operator_r = null, operator_s = null
where operator_key <> $1 and status not in ('settled', 'voided')
