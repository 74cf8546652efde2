-- $1 sponsor, $2 document. The sponsor's row is locked, so that two writers get two revisions.
with owner as (
    select sponsor_id from sponsor where sponsor_id = $1 for no key update
)
insert into policy (sponsor_id, revision, document)
select sponsor_id, 1 + coalesce((select max(revision) from policy where sponsor_id = $1), 0), $2 from owner
returning revision
