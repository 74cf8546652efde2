-- $1 job.
select attestation, amount_fri::text as amount, position::bigint as position from receipt where job_id = $1
