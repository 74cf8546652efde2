-- Rules that hold once no job is live: rule, holds.
WITH sums AS (
    SELECT held_fri AS held, spent_fri AS spent,
        (SELECT coalesce(sum(amount_fri), 0) FROM receipt WHERE sponsor_id = sponsor.sponsor_id) AS receipts,
        (SELECT coalesce(sum(amount_fri) FILTER (WHERE state = 'pending'), 0) FROM hold WHERE sponsor_id = sponsor.sponsor_id) AS pending,
        (SELECT coalesce(sum(amount_fri) FILTER (WHERE state = 'earned'), 0) FROM hold WHERE sponsor_id = sponsor.sponsor_id) AS earned,
        (SELECT coalesce(sum(price_fri), 0) FROM job JOIN job_done USING (job_id)
         WHERE status = 'succeeded' AND sponsor_id = sponsor.sponsor_id) AS priced
    FROM sponsor
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
UNION ALL SELECT 'a hold is of the sponsor of its job', NOT EXISTS (
    SELECT FROM job JOIN hold USING (job_id) WHERE job.sponsor_id <> hold.sponsor_id)
UNION ALL SELECT 'there is a sponsor', count(*) > 0 FROM sums
UNION ALL SELECT 'nothing is pending', bool_and(pending = 0) FROM sums
UNION ALL SELECT 'what each sponsor has held and spent are its live holds', bool_and(held + spent = pending + earned) FROM sums
UNION ALL SELECT 'the earned holds of each sponsor are its receipts', bool_and(earned = receipts) FROM sums
UNION ALL SELECT 'the receipts of each sponsor are what its jobs cost', bool_and(receipts = priced) FROM sums
