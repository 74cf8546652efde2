SELECT model_id, manifest, price_fri::text AS price_fri FROM model ORDER BY name
