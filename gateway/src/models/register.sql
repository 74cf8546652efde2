INSERT INTO model (model_id, name, manifest, artifact, price_fri, pool, expected_run_ms)
VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7)
ON CONFLICT DO NOTHING
