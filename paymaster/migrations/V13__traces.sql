-- The trace of the request that asked for the operation, for whoever follows it to the transaction.
alter table operation add column trace jsonb;
