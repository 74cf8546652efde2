-- Which workers run a model, and how long a run takes them as expected. Models registered before were the built-in hash and
-- ONNX graphs, told apart by whether they have an artifact.
ALTER TABLE model ADD COLUMN pool text, ADD COLUMN expected_run_ms bigint NOT NULL DEFAULT 1 CHECK (expected_run_ms BETWEEN 1 AND 4294967295);
UPDATE model SET pool = CASE WHEN artifact IS NULL THEN 'cpu' ELSE 'cpu.onnx' END;
ALTER TABLE model ALTER COLUMN pool SET NOT NULL, ALTER COLUMN expected_run_ms DROP DEFAULT;

-- Fixed when the job comes: what it was placed by in the index, it is placed by again.
ALTER TABLE job_live ADD COLUMN pool text, ADD COLUMN cost_step smallint NOT NULL DEFAULT 0 CHECK (cost_step BETWEEN 0 AND 127);
UPDATE job_live AS live SET pool = model.pool FROM model WHERE model.model_id = live.model_id;
ALTER TABLE job_live ALTER COLUMN pool SET NOT NULL, ALTER COLUMN cost_step DROP DEFAULT;
