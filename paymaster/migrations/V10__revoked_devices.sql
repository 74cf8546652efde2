-- Devices that gateways have revoked of late. Their tokens would live on by themselves; a row is kept until the last of them is
-- over.
create table revoked_device (
    device_id uuid primary key,
    revoked_at timestamptz not null default now()
);
