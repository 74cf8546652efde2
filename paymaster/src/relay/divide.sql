-- $1 relayer, $2 nonce: what it carried is sent anew, in halves.
update operation set state = 'queued', relayer = null, nonce = null, together_max = greatest(1, c.carried / 2)
from (select count(*) as carried from operation where relayer = $1 and nonce = $2 and state = 'sent') c
where relayer = $1 and nonce = $2 and state = 'sent'
