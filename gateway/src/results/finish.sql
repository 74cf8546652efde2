-- One array for each column, of however many batches. Returns the places, from 1, of those that were stored, and their pools. Two lines may
-- name one job, under two fences or by two workers; at most one of them is met.
-- Rows are locked in one order, so that two transactions never wait for each other in a circle.
-- `queued` under the same fence: the lease ran out and nobody else began. The late result is as good.
WITH line AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::int[], $8::bytea[],
                         $9::int[], $10::bytea[], $11::text[])
        WITH ORDINALITY
        AS line (job_id, epoch, lease_id, worker, output, output_commitment, leaf_index, path,
                 leaf_count, signature, public_key, place)
), held AS (
    SELECT live.job_id
    FROM job_live AS live JOIN line USING (job_id, epoch, lease_id, worker)
    ORDER BY live.job_id
    FOR UPDATE OF live
), gone AS (
    DELETE FROM job_live AS live USING held WHERE live.job_id = held.job_id
    RETURNING live.job_id, live.epoch, live.lease_id, live.leased_at, live.worker, live.pool
), stored AS (
    INSERT INTO job_done (job_id, status, epoch, leased_at, finished_at, worker, output, output_commitment,
                          leaf_index, leaf_count, path, signature, public_key)
    SELECT job_id, 'succeeded', epoch, leased_at, clock_timestamp(), worker, output, output_commitment,
           leaf_index, leaf_count, path, signature, public_key
    FROM gone JOIN line USING (job_id, epoch, lease_id, worker)
)
SELECT place, pool FROM gone JOIN line USING (job_id, epoch, lease_id, worker)
