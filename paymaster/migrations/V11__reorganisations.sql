-- A chain may take blocks back. What the mirror says is then taken back too, to the last place that both have in common.

-- Where the cursor has been of late: the block that came next, and the hash of the one before it.
create table chain_checkpoint (
    next_block bigint primary key,
    hash text not null
);

-- What rows of the mirror were before a block changed them; `before` is null where there was none.
create table chain_undo (
    id bigint generated always as identity primary key,
    block bigint not null,
    relation text not null,
    key text not null,
    before jsonb
);
create index chain_undo_block on chain_undo (block);

-- $1 the column of the key. The watcher says which block it is at; what anybody else changes is not of the chain.
create function chain_note() returns trigger language plpgsql as $$
declare
    at_block text := nullif(current_setting('ciro.block', true), '');
begin
    if at_block is not null then
        insert into chain_undo (block, relation, key, before)
        values (at_block::bigint, tg_table_name, coalesce(to_jsonb(old), to_jsonb(new)) ->> tg_argv[0], to_jsonb(old));
    end if;
    return null;
end
$$;
create trigger chain_sponsor_noted after insert or update or delete on chain_sponsor
    for each row execute function chain_note('address');
create trigger chain_worker_noted after insert or update or delete on chain_worker
    for each row execute function chain_note('address');
create trigger chain_model_noted after insert or update or delete on chain_model
    for each row execute function chain_note('model_id');

-- In which block it was settled, so that it can be seen to be unsettled.
alter table statement add column settled_block bigint;
create index statement_settled_block on statement (settled_block) where settled_block is not null;
create index relay_transaction_block on relay_transaction (block) where block is not null;

-- Makes the mirror what it was before `first`. A slashed worker stays one: the evidence against it is still there, and what
-- was held for it is free and may be held again.
create function chain_take_back(first bigint) returns void language plpgsql as $$
declare
    mirrored record;
    undone constant text := '(select distinct on (key) key, before from chain_undo
        where relation = %1$L and block >= $1 order by key, id)';
begin
    update chain_undo u
    set before = coalesce(u.before, jsonb_build_object('address', u.key, 'stake_fri', 0, 'announced_fri', 0))
        || '{"slashed": true, "public_key": null}'
    where u.relation = 'chain_worker' and u.block >= first
      and exists (select from chain_worker w where w.address = u.key and w.slashed);
    for mirrored in
        select * from (values ('chain_sponsor', 'address'), ('chain_worker', 'address'), ('chain_model', 'model_id'))
            as m (relation, key)
    loop
        execute format('delete from %1$I t using ' || undone || ' o where t.%2$I = o.key', mirrored.relation, mirrored.key)
            using first;
        execute format('insert into %1$I select r.* from ' || undone || ' o
            cross join jsonb_populate_record(null::%1$I, o.before) r where o.before is not null', mirrored.relation)
            using first;
    end loop;
    delete from chain_undo where block >= first;
    delete from chain_checkpoint where next_block > first;
end
$$;
