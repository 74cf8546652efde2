// pg-boss on PostgreSQL. Its own `work()` looks for jobs every half second at best, which would bound throughput and
// latency alike; so its `fetch()` and `complete()` are called in a loop, which its documentation offers beside it.

import { readFileSync } from 'node:fs'
import PgBoss from 'pg-boss'
import { measure, settings } from './harness.mjs'

const path = new URL('node_modules/pg-boss/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(path))
const NAME = 'bench'
const FETCHERS = 8
const BATCH = 100

let boss
let closing = false
let fetchers = []

async function start(max) {
  boss = new PgBoss({ connectionString: settings.database_url, max, schedule: false, supervise: false })
  boss.on('error', (error) => console.error(error))
  await boss.start()
}

// An idle fetcher looks again this soon: a hundredth of what `work()` allows.
const IDLE_MS = 5

async function fetchAndComplete(handle) {
  while (!closing) {
    const jobs = await boss.fetch(NAME, { batchSize: BATCH })
    if (jobs.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
      continue
    }
    const outputs = await Promise.all(jobs.map(({ data }) => handle(data)))
    await boss.complete(NAME, jobs.map(({ id }) => id), { outputs })
  }
}

await measure({
  version,
  settings: {
    fetchers: String(FETCHERS),
    batch_size: String(BATCH),
    idle_ms: String(IDLE_MS),
    producer_pool: '16',
    api: 'fetch() and complete() in a loop',
  },
  async open() {
    await start(16)
    await boss.createQueue(NAME)
  },
  add: (job) => boss.send(NAME, job),
  addMany: (jobs) => boss.insert(jobs.map((data) => ({ name: NAME, data }))),
  forget: () => boss.purgeQueue(NAME),
  async work(handle) {
    await start(16)
    fetchers = Array.from({ length: FETCHERS }, () => fetchAndComplete(handle))
  },
  async close() {
    closing = true
    await Promise.all(fetchers)
    await boss.stop({ graceful: false })
  },
})
