-- $1 relayer. Without the transactions themselves, which are large.
select t.nonce, extract(epoch from now() - t.opened_at)::float8 as age_s,
       a.tx_hash, a.sent_at is not null as sent,
       extract(epoch from now() - coalesce(a.sent_at, a.signed_at))::float8 as waited_s
from relay_transaction t join relay_attempt a using (relayer, nonce)
where t.relayer = $1 and t.state = 'open'
order by t.nonce, a.number
