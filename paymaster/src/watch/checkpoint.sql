-- $1 the next block, $2 the hash of the one before it, $3 how many blocks are kept.
with kept as (
    insert into chain_checkpoint (next_block, hash) values ($1, $2)
    on conflict (next_block) do update set hash = excluded.hash
), old as (
    delete from chain_checkpoint where next_block < $1 - $3
)
delete from chain_undo where block < $1 - $3
