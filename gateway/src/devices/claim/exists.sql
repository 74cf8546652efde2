SELECT 1 FROM claim_token WHERE token_sha256 = $1
