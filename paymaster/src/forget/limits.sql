-- $1 how many days are kept: more than the longest window that ends.
delete from limit_use where time_window <> 'lifetime' and since < now() - make_interval(days => $1)
