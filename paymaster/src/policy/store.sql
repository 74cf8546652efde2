-- $1 sponsor, $2 document, $3 and $4 between which revisions the newest must be, 0 if there is none. One row comes back if
-- there is such a sponsor: `fits` says whether the newest is between them, and `stored` is null if it is not, or if somebody else
-- took the next number at the same moment.
with newest as (
    select sponsor_id, (select coalesce(max(revision), 0) from policy p where p.sponsor_id = s.sponsor_id) as revision
    from sponsor s where sponsor_id = $1
), stored as (
    insert into policy (sponsor_id, revision, document)
    select sponsor_id, revision + 1, $2 from newest where revision between $3 and $4
    on conflict (sponsor_id, revision) do nothing
    returning revision
)
select n.revision between $3 and $4 as fits, n.revision as newest, s.revision as stored
from newest n left join stored s on true
