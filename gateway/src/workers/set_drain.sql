INSERT INTO worker_drain (worker, mode) VALUES ($1, $2)
ON CONFLICT (worker) DO UPDATE SET mode = excluded.mode, since = now()
