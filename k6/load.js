// All scenarios in one run. Arrivals come at their rate whatever became of those before (an open model), so a desk that
// is too slow shows in `dropped_iterations`, and a right but late answer in the budgets.
//
//   PROFILE=smoke   some seconds; fails on a wrong answer and never on time
//   PROFILE=full    each row of scenarios by itself, with the budgets of budgets.json; no arrival may be dropped

import { sha256 } from 'k6/crypto'
import execution from 'k6/execution'
import { device, submit, submitAndListen, submitAndWait, submitBatch } from './desk.js'

const SMOKE = __ENV.PROFILE !== 'full'
/** @type {Record<string, { p95_ms: number, p99_ms: number }>} */
const BUDGETS = JSON.parse(open('./budgets.json'))
const PAUSE_S = 5

/**
 * What each scenario is: its function, its arrivals in a second, and how many callers there are from the start. Those
 * that stand in one row run together.
 * @typedef {{ exec: string, rate: number, peak?: number, callers?: number }} Scenario
 * @type {Record<string, Scenario>[]}
 */
const ROWS = [
  // A device that waits for its answer on one connection.
  { sync_wait: { exec: 'wait', rate: 50 } },
  // One sponsor asks for twenty times as much as another, whose jobs must not wait behind it.
  { tenant_noisy: { exec: 'noisy', rate: 200 }, tenant_quiet: { exec: 'quiet', rate: 10 } },
  // Many devices, each now and then.
  { device_trickle: { exec: 'trickle', rate: 100 } },
  // A round begins: from little to much within a second, and back.
  { game_burst: { exec: 'burst', rate: 20, peak: 400 } },
  // A hundred streams open at once, each until its job, kept back for five seconds, has ended. No budget: it is mostly waiting.
  { sse_crowd: { exec: 'crowd', rate: 20, callers: 150 } },
  // A gateway of machines that was offline hands in what it kept. Last: it leaves a long queue behind.
  { batch: { exec: 'batch', rate: 10 } },
]

export const options = {
  scenarios: SMOKE ? together(4, 0.1) : oneAfterTheOther(30),
  thresholds: {
    wrong_answers: ['count==0'],
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    ...(SMOKE ? {} : { dropped_iterations: ['count==0'], ...budgets() }),
  },
  // Percentiles that the budgets name.
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
  discardResponseBodies: false,
}

function budgets() {
  const named = Object.entries(BUDGETS).map(([scenario, { p95_ms, p99_ms }]) => [
    `http_req_duration{scenario:${scenario}}`,
    [`p(95)<${p95_ms}`, `p(99)<${p99_ms}`],
  ])
  return Object.fromEntries(named)
}

/**
 * @param {Scenario} scenario
 * @param {number} seconds
 * @param {number} share
 * @param {number} start
 */
function arrivals({ exec, rate, peak, callers = 50 }, seconds, share, start) {
  const calm = Math.max(1, Math.round(rate * share))
  const pool = { exec, startTime: `${start}s`, timeUnit: '1s', preAllocatedVUs: SMOKE ? 5 : callers, maxVUs: 500 }
  if (peak === undefined) {
    return { executor: 'constant-arrival-rate', rate: calm, duration: `${seconds}s`, ...pool }
  }
  const high = Math.max(1, Math.round(peak * share))
  const third = `${Math.max(1, Math.round(seconds / 3))}s`
  const stages = [
    { target: calm, duration: third },
    { target: high, duration: '1s' },
    { target: high, duration: third },
    { target: calm, duration: '1s' },
    { target: calm, duration: third },
  ]
  return { executor: 'ramping-arrival-rate', startRate: calm, stages, ...pool }
}

/**
 * @param {number} seconds
 * @param {number} share
 */
function together(seconds, share) {
  const all = ROWS.flatMap((row) => Object.entries(row))
  return Object.fromEntries(all.map(([name, scenario]) => [name, arrivals(scenario, seconds, share, 0)]))
}

/**
 * @param {number} seconds
 */
function oneAfterTheOther(seconds) {
  const named = ROWS.flatMap((row, place) => {
    const start = place * (seconds + PAUSE_S)
    return Object.entries(row).map(([name, scenario]) => [name, arrivals(scenario, seconds, 1, start)])
  })
  return Object.fromEntries(named)
}

const anyDevice = () => device(Math.floor(Math.random() * 16))
/** @param {string} text */
const hash = (text) => sha256(text, 'hex')

export const trickle = () => submit(anyDevice())
export const burst = () => submit(anyDevice())
export const batch = () => submitBatch(anyDevice(), 100)
export const wait = () => submitAndWait(anyDevice(), hash)
// In turn: a device may have eight streams.
export const crowd = () => submitAndListen(device(execution.scenario.iterationInTest), 5_000, hash)
// Devices 0 and 8 have the first sponsor, 1 and 9 the second.
export const noisy = () => submit(device(0))
export const quiet = () => submitAndWait(device(1), hash)
