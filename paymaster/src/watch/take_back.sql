-- $1 the first block that was taken back.
select chain_take_back($1)
