INSERT INTO sponsor_cap (sponsor_id, running_max) VALUES ($1, $2)
ON CONFLICT (sponsor_id) DO UPDATE SET running_max = excluded.running_max
