SELECT job_id, model_id, epoch, lease_id
FROM job_live
WHERE job_id = ANY ($1) AND state = 'leased' AND worker = $2 AND hard_until > clock_timestamp()
