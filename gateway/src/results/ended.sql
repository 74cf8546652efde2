SELECT status, epoch, reason, worker, output_commitment FROM job_done WHERE job_id = $1
