update chain_worker set public_key = null where address = $1
