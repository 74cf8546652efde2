-- One array for each column, then worker, size of the batch, signature and key, which all share. Returns the places of
-- those that were stored. Two lines may name one job, under two fences; at most one of them is met.
-- Rows are locked in one order, so that two batches never wait for each other in a circle.
-- `queued` under the same fence: the lease ran out and nobody else began. The late result is as good.
WITH line AS (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::text[], $6::int[], $7::bytea[])
        AS line (job_id, epoch, lease_id, output, output_commitment, leaf_index, path)
), held AS (
    SELECT live.job_id
    FROM job_live AS live JOIN line USING (job_id, epoch, lease_id)
    WHERE live.worker = $8
    ORDER BY live.job_id
    FOR UPDATE OF live
), gone AS (
    DELETE FROM job_live AS live USING held WHERE live.job_id = held.job_id
    RETURNING live.job_id, live.epoch, live.lease_id, live.leased_at, live.worker
)
INSERT INTO job_done (job_id, status, epoch, leased_at, finished_at, worker, output, output_commitment,
                      leaf_index, leaf_count, path, signature, public_key)
SELECT job_id, 'succeeded', epoch, leased_at, clock_timestamp(), worker, output, output_commitment,
       leaf_index, $9, path, $10, $11
FROM gone JOIN line USING (job_id, epoch, lease_id)
RETURNING leaf_index
