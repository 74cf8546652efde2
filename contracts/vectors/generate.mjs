// Computes every vector in this folder with starknet.js alone: none of our Rust or Cairo takes part.
// Run by hand: `npm ci && node generate.mjs`; `node generate.mjs --check` only compares.
import { createHash, createPublicKey, verify as verifyBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { p256 } from '@noble/curves/p256'; // starknet.js brings it
import { ec, hash, num, shortString, typedData } from 'starknet';

const { getPublicKey, getStarkKey, poseidonHashMany, poseidonSmall, sign, verify } = ec.starkCurve;

const CHAIN_ID = '0x534e5f5345504f4c4941'; // SN_SEPOLIA, devnet's chain id
const OTHER_CHAIN_ID = '0x534e5f4d41494e'; // SN_MAIN
const PRIVATE_KEY = '0x1c1205ec7e57c1205ec7e57c1205ec7e57c1205ec7e57c1205ec7e57c1205ec';
const PUBLIC_KEY = getStarkKey(PRIVATE_KEY);
const SPONSOR = '0x5b0a50a5b0a50a5b0a50a5b0a50a5b0a50a5b0a50a5b0a50a5b0a50a5b0a50a';
const OPERATOR = '0x4be4a704be4a704be4a704be4a704be4a704be4a704be4a704be4a704be4a70';
const WORKER = '0x3a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0';
const CONTRACT = '0x64756d6d794a6f624d616e61676572a1b2c3d4e5f60718293a4b5c6d7e8f901';

const short = (text) => BigInt(shortString.encodeShortString(text));
const H = (...felts) => poseidonHashMany(felts.map(BigInt));
const hades = (a, b, c) => poseidonSmall([BigInt(a), BigInt(b), BigInt(c)])[0];
const hex = (value) => num.toHex(value);

// Commitments and the model id.

const big = (bytes) => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function sha256Halves(bytes) {
  const digest = createHash('sha256').update(bytes).digest();
  return [big(digest.subarray(0, 16)), big(digest.subarray(16))];
}

function poseidonCommitment(bytes) {
  const words = [];
  for (let at = 0; at < bytes.length; at += 31) words.push(big(bytes.subarray(at, at + 31)));
  return H(...words, bytes.length);
}

function commitment(name, bytes) {
  return {
    name,
    length: bytes.length,
    bytes: `0x${bytes.toString('hex')}`,
    poseidon: hex(poseidonCommitment(bytes)),
    sha256: hex(H(...sha256Halves(bytes))),
  };
}

function commitments() {
  const lengths = [0, 1, 30, 31, 32, 62, 63, 1000];
  const counting = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + 3) % 256));
  return {
    cases: [
      ...lengths.map((length) => commitment(`${length} bytes`, counting(length))),
      commitment('30 zero bytes', Buffer.alloc(30)),
      commitment('31 zero bytes', Buffer.alloc(31)),
      commitment('31 bytes of 0xff', Buffer.alloc(31, 0xff)),
    ],
  };
}

const MANIFEST =
  '{"name":"sentiment-int8","artifact_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","scheme":"poseidon","note":"é counts as two bytes"}\n';

function modelId(bytes) {
  const [hi, lo] = sha256Halves(bytes);
  return H(short('CIRO_MODEL'), hi, lo);
}

function modelIds() {
  const samples = [
    ['sample manifest', Buffer.from(MANIFEST)],
    ['empty manifest', Buffer.alloc(0)],
  ];
  return {
    cases: samples.map(([name, bytes]) => {
      const [hi, lo] = sha256Halves(bytes);
      const text = bytes.toString();
      const sha256 = `0x${createHash('sha256').update(bytes).digest('hex')}`;
      return { name, manifest: text, sha256, hi: hex(hi), lo: hex(lo), model_id: hex(modelId(bytes)) };
    }),
  };
}

// Trees. `levels[0]` are the padded leaves, the last level is the root alone.

function levels(leaves, empty, join) {
  let level = [...leaves];
  let width = 1;
  while (width < leaves.length) width *= 2;
  while (level.length < width) level.push(empty);
  const all = [level];
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i < level.length; i += 2) above.push(join(level[i], level[i + 1]));
    level = above;
    all.push(level);
  }
  return all;
}

const root = (tree) => tree.at(-1)[0];
const path = (tree, index) => tree.slice(0, -1).map((level, k) => level[(index >> k) ^ 1]);
const positions = (count) => [...new Set([0, Math.floor(count / 2), count - 1])];

function batchTree(structs) {
  const leaves = structs.map((struct, i) => hades(struct, i, short('CIRO_LEAF')));
  return levels(leaves, 0n, (left, right) => hades(left, right, short('CIRO_NODE')));
}

function batch() {
  const structs = Array.from({ length: 256 }, (_, i) => H(short('CIRO_VECTOR'), i));
  const trees = [1, 2, 3, 5, 8, 256].map((count) => {
    const tree = batchTree(structs.slice(0, count));
    const paths = positions(count).map((index) => ({
      index,
      struct_hash: hex(structs[index]),
      leaf: hex(tree[0][index]),
      path: path(tree, index).map(hex),
    }));
    return { count, depth: tree.length - 1, root: hex(root(tree)), paths };
  });
  return { struct_hashes: structs.map(hex), trees };
}

const sumNode = ({ hash, sum }) => ({ hash: hex(hash), sum: sum.toString() });

function receiptsTree(receipts) {
  const leaves = receipts.map(({ job, attestation, amount }) => ({
    hash: H(short('CIRO_RECEIPT'), job, attestation, amount),
    sum: amount,
  }));
  return levels(leaves, { hash: 0n, sum: 0n }, (left, right) => ({
    hash: H(short('CIRO_SUM'), left.hash, left.sum, right.hash, right.sum),
    sum: left.sum + right.sum,
  }));
}

const receiptJson = ({ job, attestation, amount }) => ({
  job: hex(job),
  attestation: hex(attestation),
  amount: amount.toString(),
});

function receipts() {
  const all = Array.from({ length: 1000 }, (_, i) => ({
    job: 0x01935c2e7a10_7000_8000_000000000000n + BigInt(i),
    attestation: H(short('CIRO_VECTOR'), i),
    amount: 1_000_000_000_000_000n + BigInt(i) ** 3n,
  }));
  const trees = [1, 2, 3, 5, 1000].map((count) => {
    const tree = receiptsTree(all.slice(0, count));
    const paths = positions(count).map((index) => ({
      index,
      leaf: sumNode(tree[0][index]),
      path: path(tree, index).map(sumNode),
    }));
    return { count, depth: tree.length - 1, root: hex(root(tree).hash), sum: root(tree).sum.toString(), paths };
  });
  return { receipts: all.map(receiptJson), trees };
}

// SNIP-12 structs.

const field = (name, type) => ({ name, type });
const TYPES = {
  StarknetDomain: ['name', 'version', 'chainId', 'revision'].map((name) => field(name, 'shortstring')),
  Attestation: [
    field('Job', 'felt'),
    field('Epoch', 'u128'),
    field('Model', 'felt'),
    field('Input', 'felt'),
    field('Output', 'felt'),
    field('Contract', 'ContractAddress'),
    field('Worker', 'ContractAddress'),
  ],
  AttestationBatch: [
    field('Root', 'felt'),
    field('Count', 'u128'),
    field('Contract', 'ContractAddress'),
    field('Worker', 'ContractAddress'),
  ],
  Statement: [
    field('Sponsor', 'ContractAddress'),
    field('Operator', 'ContractAddress'),
    field('Worker', 'ContractAddress'),
    field('Seq', 'u128'),
    field('Count', 'u128'),
    field('Amount', 'u128'),
    field('Receipts', 'felt'),
    field('Contract', 'ContractAddress'),
  ],
  WorkerLogin: [field('Worker', 'ContractAddress'), field('Challenge', 'felt'), field('Contract', 'ContractAddress')],
  DeviceClaim: [field('Serial', 'string'), field('Claim', 'felt'), field('Challenge', 'felt'), field('Contract', 'ContractAddress')],
  FleetOwnerKey: [field('From', 'felt'), field('To', 'felt')],
  DeviceLogin: [field('Device', 'u128'), field('Challenge', 'felt'), field('Contract', 'ContractAddress')],
};

const typed = (primaryType, message, chainId = CHAIN_ID) => ({
  types: { StarknetDomain: TYPES.StarknetDomain, [primaryType]: TYPES[primaryType] },
  primaryType,
  domain: { name: 'CIRO', version: '1', chainId, revision: '1' },
  message,
});

const structHash = (type, message) => typedData.getStructHash(typed(type, message).types, type, message, '1');
const messageHash = (type, message, signer, chainId) =>
  typedData.getMessageHash(typed(type, message, chainId), signer);

const isDecimal = (type) => type === 'u128';
const plusOne = (value, type) => {
  if (type === 'string') return `${value}!`;
  return isDecimal(type) ? (BigInt(value) + 1n).toString() : hex(BigInt(value) + 1n);
};

function structVector(type, message) {
  const data = typed(type, message);
  const signature = sign(messageHash(type, message, WORKER), PRIVATE_KEY);
  if (!verify(signature, messageHash(type, message, WORKER), getPublicKey(PRIVATE_KEY))) throw new Error(type);
  return {
    type,
    type_string: typedData.encodeType(data.types, type, '1'),
    type_hash: typedData.getTypeHash(data.types, type, '1'),
    message,
    signer: WORKER,
    struct_hash: hex(structHash(type, message)),
    message_hash: hex(messageHash(type, message, WORKER)),
    message_hash_on_other_chain: hex(messageHash(type, message, WORKER, OTHER_CHAIN_ID)),
    message_hash_of_other_signer: hex(messageHash(type, message, SPONSOR)),
    variations: TYPES[type].map(({ name, type: fieldType }) => {
      const value = plusOne(message[name], fieldType);
      return { field: name, value, struct_hash: hex(structHash(type, { ...message, [name]: value })) };
    }),
    signature: { r: hex(signature.r), s: hex(signature.s) },
  };
}

function sampleAttestations() {
  const first = {
    Job: '0x1935c2e7a1070008000000000000001',
    Epoch: '3',
    Model: hex(modelId(Buffer.from(MANIFEST))),
    Input: hex(poseidonCommitment(Buffer.from('what a lovely day'))),
    Output: hex(poseidonCommitment(Buffer.from('{"label":"positive"}'))),
    Contract: CONTRACT,
    Worker: WORKER,
  };
  return [0n, 1n, 2n].map((i) => ({ ...first, Job: hex(BigInt(first.Job) + i) }));
}

function typedDataVectors() {
  const attestations = sampleAttestations();
  const structs = attestations.map((attestation) => BigInt(structHash('Attestation', attestation)));
  const evidenceTree = batchTree(structs);
  const batchMessage = { Root: hex(root(evidenceTree)), Count: '3', Contract: CONTRACT, Worker: WORKER };
  const paid = attestations.map((attestation, i) => ({
    job: BigInt(attestation.Job),
    attestation: structs[i],
    amount: 1_000_000_000_000_000n * BigInt(i + 1),
  }));
  const sumRoot = root(receiptsTree(paid));
  const statement = {
    Sponsor: SPONSOR,
    Operator: OPERATOR,
    Worker: WORKER,
    Seq: '7',
    Count: '3',
    Amount: sumRoot.sum.toString(),
    Receipts: hex(sumRoot.hash),
    Contract: CONTRACT,
  };
  const login = { Worker: WORKER, Challenge: '0x1b0b5c0ffee1b0b5c0ffee1b0b5c0ffee', Contract: CONTRACT };
  const vectors = [
    structVector('Attestation', attestations[0]),
    structVector('AttestationBatch', batchMessage),
    structVector('Statement', statement),
    structVector('WorkerLogin', login),
  ];
  const domainTypes = { StarknetDomain: TYPES.StarknetDomain };
  const domain = (chainId) => typed('WorkerLogin', login, chainId).domain;
  const domainHash = (chainId) => hex(typedData.getStructHash(domainTypes, 'StarknetDomain', domain(chainId), '1'));
  return {
    chain_id: CHAIN_ID,
    domain_type_hash: typedData.getTypeHash(domainTypes, 'StarknetDomain', '1'),
    domain_hash: domainHash(CHAIN_ID),
    other_chain_id: OTHER_CHAIN_ID,
    other_domain_hash: domainHash(OTHER_CHAIN_ID),
    private_key: PRIVATE_KEY,
    public_key: PUBLIC_KEY,
    structs: vectors,
    evidence: {
      attestation: attestations[1],
      index: 1,
      count: 3,
      path: path(evidenceTree, 1).map(hex),
      root: hex(root(evidenceTree)),
      signature: vectors[1].signature,
    },
    statement_receipts: paid.map(receiptJson),
  };
}

// What devices sign is read by Rust alone. Serials of every length around a whole word of 31 bytes, and the longest.
function deviceVectors() {
  const [challenge, claim] = ['0x1b0b5c0ffee1b0b5c0ffee1b0b5c0ffee', hex(H(...sha256Halves(Buffer.from('clm_0123'))))];
  const serials = ['s', 'a serial of thirty characters!', 'a serial of thirty-one letters!', 'one of thirty-two characters, ok', 'x'.repeat(62), '9'.repeat(64)];
  const claims = serials.map((Serial) =>
    structVector('DeviceClaim', { Serial, Claim: claim, Challenge: challenge, Contract: CONTRACT }),
  );
  const device = BigInt('0x0193a5c2e7a1707f8abc0123456789ab').toString();
  const login = structVector('DeviceLogin', { Device: device, Challenge: challenge, Contract: CONTRACT });
  return { structs: [...claims, login] };
}

// A fleet account: its devices' keys in a tree, their nonces, and what they sign.

const FLEET = '0x1f1ee7acc01f1ee7acc01f1ee7acc01f1ee7acc01f1ee7acc01f1ee7acc01f1';
const halves = (value) => [value & ((1n << 128n) - 1n), value >> 128n].map(hex);

function fleetDevice(i) {
  const secret = 0x1c1205ec7e57n * BigInt(i + 1);
  if (i % 2 === 0) return { kind: 0, secret: hex(secret), key: [getStarkKey(hex(secret))] };
  const { x, y } = p256.ProjectivePoint.fromPrivateKey(secret).toAffine();
  return { kind: 1, secret: hex(secret), key: [...halves(x), ...halves(y)] };
}

const fleetLeaf = ({ kind, key }) => H(short('CIRO_FLEET_LEAF'), kind, ...key);
const fleetNode = (left, right) => hades(left, right, short('CIRO_FLEET_NODE'));

// The tree of this depth, of which only the first leaves are there.
function fleetTree(leaves, depth) {
  const all = [leaves];
  let empty = 0n;
  for (let k = 0; k < depth; k += 1) {
    const level = all.at(-1);
    if (level.length % 2 === 1) level.push(empty);
    all.push(Array.from({ length: level.length / 2 }, (_, i) => fleetNode(level[2 * i], level[2 * i + 1])));
    empty = fleetNode(empty, empty);
  }
  return all;
}

// Where the tree of that depth is not full, a sibling may be an empty tree.
function fleetPath(tree, index) {
  let empty = 0n;
  return tree.slice(0, -1).map((level, k) => {
    const sibling = level[(index >> k) ^ 1] ?? empty;
    empty = fleetNode(empty, empty);
    return sibling;
  });
}

function fleetTrees(devices) {
  return [[1, 0], [1, 3], [2, 1], [3, 2], [5, 3], [8, 3], [8, 10], [5, 20], [2, 32]].map(([count, depth]) => {
    const tree = fleetTree(devices.slice(0, count).map(fleetLeaf), depth);
    const paths = positions(count).map((index) => ({ index, path: fleetPath(tree, index).map(hex) }));
    return { count, depth, root: hex(root(tree)), paths };
  });
}

function fleetNonces() {
  const last = 2n ** 64n - 1n;
  const places = [[0n, 0n], [0n, 127n], [0n, 128n], [1n, 0n], [7n, 1_000n], [2n ** 32n - 1n, last]];
  return places.map(([index, counter]) => {
    const nonce = index * 2n ** 64n + counter;
    return { index: Number(index), counter: hex(counter), nonce: hex(nonce), word: hex(nonce / 128n), mask: hex(1n << (nonce % 128n)) };
  });
}

const OUTSIDE_TYPES = {
  StarknetDomain: TYPES.StarknetDomain,
  OutsideExecution: [
    field('Caller', 'ContractAddress'),
    field('Nonce', 'felt'),
    field('Execute After', 'u128'),
    field('Execute Before', 'u128'),
    field('Calls', 'Call*'),
  ],
  Call: [field('To', 'ContractAddress'), field('Selector', 'selector'), field('Calldata', 'felt*')],
};

function fleetExecution(calls) {
  const message = { Caller: OPERATOR, Nonce: hex(2n ** 64n + 5n), 'Execute After': '1', 'Execute Before': '1893456000', Calls: calls };
  const domain = { name: 'Account.execute_from_outside', version: '2', chainId: CHAIN_ID, revision: '1' };
  const data = { types: OUTSIDE_TYPES, primaryType: 'OutsideExecution', domain, message };
  return { message, message_hash: hex(typedData.getMessageHash(data, FLEET)) };
}

function fleetSignatures(devices, { message, message_hash }) {
  const [stark, phone] = devices;
  const bytes = Buffer.from(BigInt(message_hash).toString(16).padStart(64, '0'), 'hex');
  const { r, s } = p256.sign(createHash('sha256').update(bytes).digest(), BigInt(phone.secret), { lowS: false });
  const both = Buffer.from([r, s].map((n) => n.toString(16).padStart(64, '0')).join(''), 'hex');
  const point = p256.ProjectivePoint.fromPrivateKey(BigInt(phone.secret)).toAffine();
  const part = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: part(point.x), y: part(point.y) };
  // ES256 as Node has it, which is not who has signed.
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  if (!verifyBytes('sha256', bytes, key, both)) throw new Error('ES256');
  const signed = sign(message_hash, stark.secret);
  return { ...message, message_hash, stark: [signed.r, signed.s].map(hex), es256: [...halves(r), ...halves(s)] };
}

function fleetVectors() {
  const devices = Array.from({ length: 8 }, (_, i) => fleetDevice(i));
  const job = { To: CONTRACT, Selector: 'post_job', Calldata: ['0x5a256', '0xa', '0x70dbd880', '0x0', '0x6869', '0x2'] };
  return {
    account: FLEET,
    devices: devices.map((device) => ({ ...device, leaf: hex(fleetLeaf(device)) })),
    trees: fleetTrees(devices),
    nonces: fleetNonces(),
    executions: [[], [job], [job, { ...job, Selector: 'reclaim', Calldata: [] }]].map((calls) =>
      fleetSignatures(devices, fleetExecution(calls)),
    ),
    owner_key: structVector('FleetOwnerKey', { From: PUBLIC_KEY, To: getStarkKey('0x5eed') }),
  };
}

// Our own composition must agree with starknet.js's typed data, or one of the two readings of SNIP-12 is wrong.
function crossCheck({ chain_id, domain_hash, structs }) {
  for (const { type, type_string, type_hash, message, signer, struct_hash, message_hash } of structs) {
    if (hash.starknetKeccak(type_string) !== BigInt(type_hash)) throw new Error(`type hash of ${type}`);
    const fields = TYPES[type].map(({ name }) => BigInt(message[name]));
    if (H(type_hash, ...fields) !== BigInt(struct_hash)) throw new Error(`struct hash of ${type}`);
    const whole = H(short('StarkNet Message'), domain_hash, signer, struct_hash);
    if (whole !== BigInt(message_hash)) throw new Error(`message hash of ${type} on ${chain_id}`);
  }
}

const typedVectors = typedDataVectors();
crossCheck(typedVectors);

const files = {
  commitments: commitments(),
  model_id: modelIds(),
  typed_data: typedVectors,
  device: deviceVectors(),
  batch: batch(),
  receipts: receipts(),
  fleet: fleetVectors(),
};
let stale = false;
for (const [name, content] of Object.entries(files)) {
  const file = new URL(`${name}.json`, import.meta.url);
  const text = `${render(content)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`${name}.json is stale: run node contracts/vectors/generate.mjs`);
    stale = true;
  }
}
process.exitCode = stale ? 1 : 0;

// Flat objects take one line each, so that a thousand receipts stay readable in a diff.
function render(value, indent = '') {
  const flat = (v) => typeof v !== 'object' || v === null || Object.values(v).every((x) => typeof x !== 'object');
  if (flat(value) && !(Array.isArray(value) && value.length > 0)) {
    const line = JSON.stringify(value);
    if (line.length < 260 || typeof value !== 'object') return line;
  }
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `[\n${value.map((v) => inner + render(v, inner)).join(',\n')}\n${indent}]`;
  const entries = Object.entries(value).map(([k, v]) => `${inner}${JSON.stringify(k)}: ${render(v, inner)}`);
  return `{\n${entries.join(',\n')}\n${indent}}`;
}
