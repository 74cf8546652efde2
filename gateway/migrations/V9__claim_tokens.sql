-- Claim tokens that sponsors' servers make, list and revoke themselves.
ALTER TABLE claim_token
    ADD COLUMN claim_token_id uuid,
    ADD COLUMN name           text NOT NULL DEFAULT 'made before names',
    ADD COLUMN claims_max     integer,
    -- The only serials that it is good for; null: every one.
    ADD COLUMN serials        text[],
    ADD COLUMN created_at     timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN revoked_at     timestamptz;

-- How many claims those had that were made before is not known; what they have left is the least that it was.
UPDATE claim_token SET claim_token_id = gen_random_uuid(), claims_max = claims_left;

ALTER TABLE claim_token
    ALTER COLUMN claim_token_id SET NOT NULL,
    ALTER COLUMN claims_max SET NOT NULL,
    ALTER COLUMN name DROP DEFAULT,
    ADD CHECK (claims_left <= claims_max);

-- A sponsor's tokens, newest first. Ids are UUIDv7, apart from those of the older ones.
CREATE UNIQUE INDEX claim_token_by_sponsor ON claim_token (sponsor_id, claim_token_id);
