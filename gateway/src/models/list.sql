SELECT model_id, manifest, price_fri::text AS price_fri, pool, expected_run_ms FROM model ORDER BY name
