-- Numbers as floats: that is what gauges hold.
SELECT model.name,
       count(*) FILTER (WHERE state = 'queued' AND run_at <= now())::float8 AS queued,
       count(*) FILTER (WHERE state = 'queued' AND run_at > now())::float8 AS delayed,
       count(*) FILTER (WHERE state = 'leased')::float8 AS leased,
       coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now())), 0)::float8
           AS oldest_s
FROM model LEFT JOIN job_live USING (model_id)
GROUP BY model.name
