INSERT INTO webhook_gone (sponsor_id, url) VALUES ($1, $2) ON CONFLICT DO NOTHING
