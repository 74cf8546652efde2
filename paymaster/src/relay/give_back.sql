-- $1 relayer, $2 fencing token.
update relayer set leased_until = '-infinity' where address = $1 and fence = $2
