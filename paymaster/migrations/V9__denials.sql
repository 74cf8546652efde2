-- What sponsors' policies have refused, counted by day, key, rule and reason. Nothing else of a refused request is kept.
create table denial (
    sponsor_id uuid not null references sponsor,
    day date not null,
    key_id uuid not null,
    -- Empty where no rule decided.
    rule_id text not null,
    reason text not null,
    denials bigint not null check (denials > 0),
    primary key (sponsor_id, day, key_id, rule_id, reason)
);
create index operation_of_device on operation (sponsor_id, device_id, created_at) where device_id is not null;
