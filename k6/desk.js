// The front desk as the scenarios see it: who asks, what is asked for, and what has to be in every answer.

import http from 'k6/http'
import exec from 'k6/execution'
import { check, fail } from 'k6'
import { Counter } from 'k6/metrics'

const URL = env('CIRO_URL')
const TOKENS = env('CIRO_DEVICE_TOKENS').split(',')

/** Answers that were not what the scenario asked for. Must stay 0 in every profile. */
export const wrongAnswers = new Counter('wrong_answers')

/**
 * @param {string} name
 * @returns {string}
 */
function env(name) {
  const value = __ENV[name]
  return value ? value : fail(`${name} is not set; run this through \`make load\``)
}

/**
 * The token of one device; those of one sponsor are every eighth.
 * @param {number} number
 */
export const device = (number) => TOKENS[number % TOKENS.length] ?? fail('there is no device')

/** A number that no other iteration of the run has. */
const unique = () => `${exec.scenario.name}-${exec.scenario.iterationInTest}`

/**
 * @param {string} text
 */
const sha256Job = (text) => ({ model: 'ciro/sha256@1', input: { text } })

/**
 * @param {string} path
 * @param {object} body
 * @param {string} token
 * @param {Record<string, string>} headers
 */
function post(path, body, token, headers = {}) {
  return http.post(`${URL}${path}`, JSON.stringify(body), {
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    timeout: '40s',
  })
}

/**
 * @param {import('k6/http').RefinedResponse<'text'>} reply
 * @param {import('k6').Checkers<import('k6/http').RefinedResponse<'text'>>} expected
 */
function require(reply, expected) {
  if (!check(reply, expected)) {
    wrongAnswers.add(1)
    console.error(`${reply.request.method} ${reply.url} was answered with ${reply.status}: ${reply.body || reply.error}`)
  }
}

/**
 * Posts a job and takes its 202.
 * @param {string} token
 */
export function submit(token) {
  const key = unique()
  const reply = post('/v1/jobs', sha256Job(key), token, { 'idempotency-key': key })
  require(reply, { 'is accepted': ({ status }) => status === 202 })
}

/**
 * Posts a job and waits for its result, which must be the hash.
 * @param {string} token
 * @param {(text: string) => string} hash
 */
export function submitAndWait(token, hash) {
  const key = unique()
  const reply = post('/v1/jobs', sha256Job(key), token, { 'idempotency-key': key, prefer: 'wait=30' })
  require(reply, {
    'has ended': ({ status }) => status === 200,
    'has the right hash': (r) => r.status === 200 && r.json('output.hex') === hash(key),
  })
}

/**
 * Posts a job that is kept back for a while and listens to its events until the last, which must hold the hash.
 * @param {string} token
 * @param {number} delayMs
 * @param {(text: string) => string} hash
 */
export function submitAndListen(token, delayMs, hash) {
  const key = unique()
  const reply = post('/v1/jobs', { ...sha256Job(key), delay_ms: delayMs }, token, { 'idempotency-key': key })
  require(reply, { 'is accepted': ({ status }) => status === 202 })
  if (reply.status !== 202) return
  const stream = http.get(`${URL}/v1/jobs/${reply.json('id')}/events`, {
    headers: { authorization: `Bearer ${token}` },
    timeout: '40s',
  })
  require(stream, {
    'was told where the job stands first': (r) => String(r.body).startsWith('event: status'),
    'was told the right hash last': (r) => last(String(r.body), 'done') === hash(key),
  })
}

/**
 * The hash in the last event of a stream, if that is the one.
 * @param {string} stream
 * @param {string} event
 */
function last(stream, event) {
  const lines = (stream.trim().split('\n\n').pop() ?? '').split('\n')
  const data = lines.find((line) => line.startsWith('data: '))
  if (!lines.includes(`event: ${event}`) || data === undefined) return undefined
  return JSON.parse(data.slice('data: '.length)).output?.hex
}

/**
 * Posts a batch; every job of it must be accepted.
 * @param {string} token
 * @param {number} size
 */
export function submitBatch(token, size) {
  const key = unique()
  const items = Array.from({ length: size }, (_, place) => ({
    idempotency_key: `${key}-${place}`,
    job: sha256Job(`${key}-${place}`),
  }))
  const reply = post('/v1/jobs/batch', { items }, token)
  require(reply, {
    'is answered': ({ status }) => status === 200,
    'every job is accepted': (r) => {
      const results = /** @type {{ status: number }[]} */ (r.status === 200 ? r.json('results') : [])
      return results.length === size && results.every(({ status }) => status === 202)
    },
  })
}
