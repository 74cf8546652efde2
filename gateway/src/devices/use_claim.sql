UPDATE claim_token SET claims_left = claims_left - 1 WHERE token_sha256 = $1
