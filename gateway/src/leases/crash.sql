UPDATE job_live SET state = 'queued', crash_count = crash_count + 1
WHERE job_id = $1 AND epoch = $2 AND state = 'leased'
