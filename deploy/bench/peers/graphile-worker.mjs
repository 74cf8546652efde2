// graphile-worker on PostgreSQL, with what its page on performance advises: a local queue and batched completions.
// It deletes a job that was done and keeps no result; storing one is left to the handler, and left out here.

import { readFileSync } from 'node:fs'
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { measure, settings } from './harness.mjs'

const path = new URL('node_modules/graphile-worker/package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(path))
const connectionString = settings.database_url
// One line for each job would be measured too.
const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message)
})
const LOCAL_QUEUE = 500

let pool
let utils
let runner

await measure({
  version,
  settings: {
    concurrent_jobs: String(settings.callers),
    local_queue_size: String(LOCAL_QUEUE),
    complete_job_batch_delay_ms: '0',
    producer_pool: '16',
    keeps_results: 'false',
  },
  async open() {
    pool = new pg.Pool({ connectionString, max: 16 })
    pool.on('error', (error) => console.error(error))
    utils = await makeWorkerUtils({ pgPool: pool, logger })
    await utils.migrate()
  },
  add: (job) => utils.addJob('sha256', job),
  addMany: (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: 'sha256', payload }))),
  forget: () => pool.query('TRUNCATE graphile_worker._private_jobs'),
  async work(handle, concurrency) {
    const preset = {
      worker: {
        connectionString,
        concurrentJobs: concurrency,
        maxPoolSize: 16,
        localQueue: { size: LOCAL_QUEUE },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        logger,
      },
    }
    runner = await run({ preset, noHandleSignals: true, taskList: { sha256: (payload) => handle(payload) } })
  },
  async close() {
    await runner?.stop()
    await utils?.release()
    await pool?.end()
  },
})
