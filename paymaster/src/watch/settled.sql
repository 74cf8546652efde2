-- $1 sponsor, $2 worker, $3 seq, $4 transaction, $5 its block.
update statement set status = 'settled', tx_hash = $4, settled_block = $5, refusal = null
where sponsor = $1 and worker = $2 and seq = $3 and status not in ('settled', 'voided')
returning statement_id, count::bigint as count, amount_fri::text as amount, root
