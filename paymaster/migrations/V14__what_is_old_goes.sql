-- For whoever forgets what is old.
create index operation_ended on operation (ended_at) where ended_at is not null;
create index operation_of_transaction on operation (relayer, nonce) where nonce is not null;
create index relay_transaction_ended on relay_transaction (opened_at) where state <> 'open';
