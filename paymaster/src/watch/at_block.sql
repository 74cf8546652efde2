-- $1 the block whose events follow, for `chain_note`. Until the transaction ends.
select set_config('ciro.block', $1, true)
