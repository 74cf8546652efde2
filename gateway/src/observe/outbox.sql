SELECT count(*) FILTER (WHERE failed_at IS NULL)::float8 AS waiting,
       count(*) FILTER (WHERE failed_at IS NOT NULL)::float8 AS failed
FROM webhook_outbox
