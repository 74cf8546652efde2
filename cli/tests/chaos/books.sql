-- Rules that hold once no job is live: rule, holds.
WITH sums AS (
    SELECT
        (SELECT sum(held_fri) FROM sponsor) AS held,
        (SELECT sum(spent_fri) FROM sponsor) AS spent,
        (SELECT coalesce(sum(amount_fri), 0) FROM receipt) AS receipts,
        (SELECT coalesce(sum(amount_fri) FILTER (WHERE state = 'pending'), 0) FROM hold) AS pending,
        (SELECT coalesce(sum(amount_fri) FILTER (WHERE state = 'earned'), 0) FROM hold) AS earned,
        (SELECT coalesce(sum(price_fri), 0) FROM job JOIN job_done USING (job_id) WHERE status = 'succeeded') AS priced
)
SELECT 'no job is live' AS rule, NOT EXISTS (SELECT FROM job_live) AS holds
UNION ALL SELECT 'every job has ended', NOT EXISTS (SELECT FROM job WHERE job_id NOT IN (SELECT job_id FROM job_done))
UNION ALL SELECT 'every key names a job, and every job has one', NOT EXISTS (
    SELECT FROM job FULL JOIN idempotency USING (job_id) WHERE job.job_id IS NULL OR idempotency.job_id IS NULL)
UNION ALL SELECT 'results and receipts are the same jobs by the same workers', NOT EXISTS (
    SELECT FROM (SELECT * FROM job_done WHERE status = 'succeeded') AS done FULL JOIN receipt USING (job_id)
    WHERE done.job_id IS NULL OR receipt.job_id IS NULL OR done.worker <> receipt.worker)
UNION ALL SELECT 'a hold is earned if the job succeeded and voided if not', NOT EXISTS (
    SELECT FROM job_done FULL JOIN hold USING (job_id)
    WHERE hold.state IS DISTINCT FROM CASE status WHEN 'succeeded' THEN 'earned' ELSE 'voided' END)
UNION ALL SELECT 'nothing is pending', pending = 0 FROM sums
UNION ALL SELECT 'held and spent are the live holds', held + spent = pending + earned FROM sums
UNION ALL SELECT 'the earned holds are the receipts', earned = receipts FROM sums
UNION ALL SELECT 'the receipts are what the jobs cost', receipts = priced FROM sums
