WITH request AS (
    INSERT INTO job (job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri, run_within_ms, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8, clock_timestamp())
)
INSERT INTO job_live (job_id, model_id, state, epoch, start_until)
VALUES ($1, $4, 'queued', 0, clock_timestamp() + $9::bigint * interval '1 millisecond')
