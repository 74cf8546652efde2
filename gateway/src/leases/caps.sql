SELECT sponsor_id, running_max FROM sponsor_cap
