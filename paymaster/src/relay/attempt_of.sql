-- $1 hash.
select number, transaction, bounds, tip_fri from relay_attempt where tx_hash = $1
