select
    count(*) filter (where s.status = 'closed') as closed,
    count(*) filter (where s.status not in ('settled', 'voided') and s.operator_r is null) as unsigned,
    count(*) filter (where s.status = 'countersigned') as countersigned,
    count(*) filter (where s.status = 'sent') as sent,
    count(*) filter (where s.status = 'settled') as settled,
    count(*) filter (where s.status not in ('settled', 'voided') and s.refusal is not null) as refused,
    count(*) filter (
        where s.status = 'countersigned'
          and s.amount_fri > coalesce(least(c.deposit_fri, allowance_now_fri(c)), 0)
    ) as uncovered
from statement s left join chain_sponsor c on c.address = s.sponsor
