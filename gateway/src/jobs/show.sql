SELECT job.model_id, job.created_at, job.replay_of, job.input_commitment, live.state, live.cancel_requested,
       done.status, done.epoch, done.leased_at, done.finished_at, done.reason, done.detail, done.worker,
       done.output, done.output_commitment, done.leaf_index, done.leaf_count, done.path, done.signature, done.public_key
FROM job
LEFT JOIN job_live AS live USING (job_id)
LEFT JOIN job_done AS done USING (job_id)
WHERE job.job_id = $1 AND job.device_id = $2
