// Unmodified starknet.js against a running paymaster: every type of transaction, in both fee modes, for accounts of
// OpenZeppelin and of Argent. Prints one line of JSON for each that succeeded, and ends at the first that did not.
//
//   node clients.mjs starknet|starknet-10-0 '{"rpc", "paymaster", "key", "ozClass"}'
import assert from 'node:assert/strict'

const [, , library, text] = process.argv
const starknet = await import(library)
const { Account, CallData, PaymasterRpc, RpcProvider, Signer, ec, hash, stark } = starknet
const settings = JSON.parse(text)

const STRK = '0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d'
const ARGENT = '0x36078334509b514626504edc9fb252328d1a240e4e948bef8d0c08dff45927f'
const TO = '0x70'
const SPONSORED = { mode: 'sponsored' }
const DEFAULT = { mode: 'default', gasToken: STRK }

const provider = new RpcProvider({ nodeUrl: settings.rpc })
const headers = { 'x-paymaster-api-key': settings.key }
const paymaster = new PaymasterRpc({ nodeUrl: settings.paymaster, headers })
const open = (address, signer) => new Account({ provider, address, signer, paymaster })

const transfer = (amount) => ({
  contractAddress: STRK,
  entrypoint: 'transfer',
  calldata: CallData.compile({ recipient: TO, amount: { low: amount, high: 0 } }),
})

const balanceOf = async (address) => {
  const [low] = await provider.callContract({ contractAddress: STRK, entrypoint: 'balanceOf', calldata: [address] })
  return BigInt(low)
}

const mint = async (address) => {
  const params = { address, amount: 10n ** 19n, unit: 'FRI' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_mint', params }, (_, v) =>
    typeof v === 'bigint' ? Number(v) : v,
  )
  const reply = await fetch(settings.rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const answer = await reply.json()
  assert.ok(answer.result, JSON.stringify(answer))
}

const hex = (felt) => `0x${BigInt(felt).toString(16)}`

// A new account of a class, whose key only this process knows.
const fresh = (classHash, constructor, signer = (privateKey) => privateKey) => {
  const privateKey = stark.randomAddress()
  const publicKey = ec.starkCurve.getStarkKey(privateKey)
  const calldata = CallData.compile(constructor(publicKey))
  const address = hash.calculateContractAddressFromHash(publicKey, classHash, calldata, 0)
  const deploymentData = {
    address,
    class_hash: classHash,
    salt: publicKey,
    calldata: calldata.map(hex),
    version: 1,
  }
  return { account: open(address, signer(privateKey)), address, deploymentData }
}

const openZeppelin = () => fresh(settings.ozClass, (key) => [key])
// A Stark signer, and no guardian.
const argent = () => fresh(ARGENT, (key) => [0, key, 1])

// Signs in the account's own form, longer than two numbers, as session keys and several signers do: how many there are, and of
// each its kind, its key and its signature.
class LongSigner extends Signer {
  async signMessage(typedData, address) {
    const { r, s } = await super.signMessage(typedData, address)
    return ['0x1', '0x0', hex(await this.getPubKey()), hex(r), hex(s)]
  }
}

// Runs it and checks what it did: the transfer, and that the account paid if and only if it should.
const run = async (name, account, calls, feeMode, deploymentData) => {
  const [received, held] = [await balanceOf(TO), await balanceOf(account.address)]
  const details = { feeMode, deploymentData }
  const fee = await account.estimatePaymasterTransactionFee(calls, details)
  const { transaction_hash: transactionHash } = await account.executePaymasterTransaction(calls, details)
  const receipt = await provider.waitForTransaction(transactionHash, { retryInterval: 100 })
  assert.equal(receipt.execution_status, 'SUCCEEDED', name)
  const sent = BigInt(calls.length) * 7n
  assert.equal((await balanceOf(TO)) - received, sent, `${name}: what was sent`)
  const paid = held - (await balanceOf(account.address)) - sent
  const isPaying = feeMode.mode === 'default'
  assert.equal(paid > 0n, isPaying, `${name}: paid ${paid}`)
  if (isPaying) assert.ok(paid <= BigInt(fee.suggested_max_fee_in_gas_token), `${name}: paid ${paid}`)
  if (deploymentData) {
    const classHash = await provider.getClassHashAt(account.address)
    assert.equal(BigInt(classHash), BigInt(deploymentData.class_hash), `${name}: the class`)
  }
  console.log(JSON.stringify({ name, transactionHash, paid: `${paid}` }))
}

const call = transfer(7)
assert.equal(await paymaster.isAvailable(), true)
const tokens = await paymaster.getSupportedTokens()
assert.ok(tokens.some((token) => BigInt(token.token_address) === BigInt(STRK)), 'STRK is taken')

// Accounts that the devnet came with do not say that they take outside executions: their constructors never ran.
let user
for (const [kind, make] of [['openzeppelin', openZeppelin], ['argent', argent]]) {
  for (const [mode, feeMode] of [['sponsored', SPONSORED], ['default', DEFAULT]]) {
    const acting = make()
    user = acting.account
    await mint(acting.address)
    await run(`${kind} deploy_and_invoke ${mode}`, user, [call], feeMode, acting.deploymentData)
    await run(`${kind} invoke ${mode} after it`, user, [call], feeMode)
    await run(`${kind} invoke of two ${mode}`, user, [call, call], feeMode)
    const idle = make()
    await mint(idle.address)
    await run(`${kind} deploy ${mode}`, idle.account, [], feeMode, idle.deploymentData)
  }
}

const long = fresh(ARGENT, (key) => [0, key, 1], (privateKey) => new LongSigner(privateKey))
await mint(long.address)
await run('a long signature deploy_and_invoke sponsored', long.account, [call], SPONSORED, long.deploymentData)
await run('a long signature invoke default', long.account, [call], DEFAULT)

// What the sponsor does not allow is told, and nothing happens.
const approve = { contractAddress: STRK, entrypoint: 'approve', calldata: [TO, 1, 0] }
await assert.rejects(user.executePaymasterTransaction([approve], { feeMode: SPONSORED }), (error) => {
  assert.equal(error.code, 156, error.message)
  assert.equal(error.baseError.data.reason, 'policy_denied')
  return true
})
console.log(JSON.stringify({ name: 'a call that the policy does not allow is refused' }))
