-- Keys of more than one kind: the JWK as the device gave it, in place of P-256 coordinates.
ALTER TABLE device ADD COLUMN public_key jsonb;

UPDATE device SET public_key = jsonb_build_object(
    'kty', 'EC', 'crv', 'P-256',
    'x', rtrim(translate(encode(key_x, 'base64'), '+/', '-_'), '='),
    'y', rtrim(translate(encode(key_y, 'base64'), '+/', '-_'), '=')
);

ALTER TABLE device ALTER COLUMN public_key SET NOT NULL, DROP COLUMN key_x, DROP COLUMN key_y;
