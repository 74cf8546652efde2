-- $1 relayer, $2 nonce: what it carried waits again.
update operation set state = 'queued', relayer = null, nonce = null
where relayer = $1 and nonce = $2 and state = 'sent'
