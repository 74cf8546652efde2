-- One array for each column. Returns the one moment at which all of them are accepted.
WITH line AS (
    SELECT *, statement_timestamp() + delay_ms * interval '1 millisecond' AS run_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::bigint[], $12::uuid[],
                $13::jsonb[], $14::jsonb[], $15::text[], $16::smallint[])
        AS line (job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri, run_within_ms, start_within_ms, priority, delay_ms, replay_of,
                 webhook, trace, pool, cost_step)
), request AS (
    INSERT INTO job (job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri, run_within_ms, created_at, replay_of, webhook, trace)
    SELECT job_id, sponsor_id, device_id, model_id, input, input_commitment, price_fri::numeric, run_within_ms, statement_timestamp(), replay_of, webhook, trace
    FROM line
), live AS (
    INSERT INTO job_live (job_id, model_id, pool, cost_step, sponsor_id, priority, state, epoch, run_at, start_until)
    SELECT job_id, model_id, pool, cost_step, sponsor_id, priority, 'queued', 0, run_at, run_at + start_within_ms * interval '1 millisecond'
    FROM line
)
SELECT statement_timestamp() AS created_at
