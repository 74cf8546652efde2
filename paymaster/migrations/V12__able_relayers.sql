-- Whether the relayer can send: what it did last came to something, and it has STRK.
alter table relayer add column able boolean not null default true;
