-- The first revocation stays the one that counts: the device gets no token since.
insert into revoked_device (device_id) values ($1) on conflict do nothing
