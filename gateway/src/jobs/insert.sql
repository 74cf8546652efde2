WITH request AS (
    INSERT INTO job (job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri, run_within_ms, webhook, trace, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8, $12, $13, clock_timestamp())
)
INSERT INTO job_live (job_id, model_id, sponsor_id, priority, state, epoch, run_at, start_until)
SELECT $1, $4, $2, $10, 'queued', 0, at, at + $9::bigint * interval '1 millisecond'
FROM (SELECT clock_timestamp() + $11::bigint * interval '1 millisecond' AS at) AS run
