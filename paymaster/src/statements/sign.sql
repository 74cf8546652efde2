-- $1 statement, $2 public key, $3 r, $4 s. Whoever was faster has signed.
update statement set operator_key = $2, operator_r = $3, operator_s = $4
where statement_id = $1 and operator_r is null and status not in ('settled', 'voided')
