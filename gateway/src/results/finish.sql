-- `queued` under the same fence: the lease ran out and nobody else began. The late result is as good.
WITH gone AS (
    DELETE FROM job_live
    WHERE job_id = $1 AND epoch = $2 AND lease_id = $3 AND worker = $4
    RETURNING job_id, epoch, leased_at, worker
)
INSERT INTO job_done (job_id, status, epoch, leased_at, finished_at, worker, output, output_commitment,
                      leaf_index, leaf_count, path, signature, public_key)
SELECT job_id, 'succeeded', epoch, leased_at, clock_timestamp(), worker, $5, $6, $7, $8, $9, $10, $11 FROM gone
