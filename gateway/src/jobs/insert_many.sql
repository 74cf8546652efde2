-- $1 sponsor, $2 device, then one array for each column.
WITH line AS (
    SELECT *, clock_timestamp() + delay_ms * interval '1 millisecond' AS run_at
    FROM unnest($3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[],
                $12::jsonb[], $13::jsonb[])
        AS line (job_id, model_id, input, input_commitment, price_fri, run_within_ms, start_within_ms, priority, delay_ms,
                 webhook, trace)
), request AS (
    INSERT INTO job (job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri, run_within_ms, webhook, trace, created_at)
    SELECT job_id, $1, $2, model_id, input, input_commitment, price_fri::numeric, run_within_ms, webhook, trace, clock_timestamp()
    FROM line
)
INSERT INTO job_live (job_id, model_id, sponsor_id, priority, state, epoch, run_at, start_until)
SELECT job_id, model_id, $1, priority, 'queued', 0, run_at, run_at + start_within_ms * interval '1 millisecond'
FROM line
