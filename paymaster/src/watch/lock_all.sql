-- In the order of ids, and both rows of each, as everyone who touches several sponsors does.
select from chain_sponsor c join sponsor s using (address) order by s.sponsor_id for no key update of c, s
