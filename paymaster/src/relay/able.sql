select exists (select from relayer where leased_until > now() and able)
