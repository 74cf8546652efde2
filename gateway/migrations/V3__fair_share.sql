-- What the queue's index needs to place a job, so that it can be filled again from the rows alone.
ALTER TABLE job_live
    ADD COLUMN sponsor_id uuid,
    ADD COLUMN priority   text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high')),
    -- No worker may have it sooner.
    ADD COLUMN run_at     timestamptz NOT NULL DEFAULT now();

UPDATE job_live AS live SET sponsor_id = job.sponsor_id FROM job WHERE job.job_id = live.job_id;
ALTER TABLE job_live ALTER COLUMN sponsor_id SET NOT NULL;
