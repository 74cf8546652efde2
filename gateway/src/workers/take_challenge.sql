DELETE FROM worker_challenge WHERE challenge = $1 AND worker = $2 AND expires_at > now()
