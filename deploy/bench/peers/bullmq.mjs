// BullMQ on Redis. Its jobs live nowhere else, so Redis has an append-only file; how often it is synced is the
// server's setting and no matter of this script.

import { readFileSync } from 'node:fs'
import { Queue, Worker } from 'bullmq'
import { measure, settings } from './harness.mjs'

const { version } = JSON.parse(readFileSync(new URL('node_modules/bullmq/package.json', import.meta.url)))
const { hostname: host, port, password } = new URL(settings.redis_url)
const connection = { host, port: Number(port), password, maxRetriesPerRequest: null }
const NAME = 'bench'

let queue
let worker

await measure({
  version,
  // Completed jobs are kept, which is the default: a result that nobody can read is no result.
  settings: { concurrency: String(settings.callers), producer_auto_pipelining: 'true', remove_on_complete: 'false' },
  async open() {
    queue = new Queue(NAME, { connection: { ...connection, enableAutoPipelining: true } })
    await queue.waitUntilReady()
  },
  add: (job) => queue.add('sha256', job),
  addMany: (jobs) => queue.addBulk(jobs.map((data) => ({ name: 'sha256', data }))),
  forget: () => queue.obliterate({ force: true }),
  async work(handle, concurrency) {
    worker = new Worker(NAME, ({ data }) => handle(data), { connection, concurrency })
    await worker.waitUntilReady()
  },
  async close() {
    await worker?.close()
    await queue?.close()
  },
})
