-- The requester of a job that runs wants it no more. Its worker is told, and until it gives the job back its result counts.
ALTER TABLE job_live ADD COLUMN cancel_requested boolean NOT NULL DEFAULT false;

-- The job that this one repeats.
ALTER TABLE job ADD COLUMN replay_of uuid;

-- What an operator tells a worker to do before it goes.
CREATE TABLE worker_drain (
    worker text PRIMARY KEY,
    mode   text NOT NULL CHECK (mode IN ('quiet', 'terminate')),
    since  timestamptz NOT NULL DEFAULT now()
);

-- How many jobs of a sponsor may run at once. Without a row: as many as its share gives it.
CREATE TABLE sponsor_cap (
    sponsor_id  uuid PRIMARY KEY,
    running_max integer NOT NULL CHECK (running_max > 0)
);
