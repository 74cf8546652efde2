SELECT job_id, sponsor_id, model_id, input_commitment, price_fri::text AS price_fri, webhook FROM job WHERE job_id = ANY ($1)
