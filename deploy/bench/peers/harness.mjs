// Measures one queue library, in the same way as `ciro-bench` measures the desk. A library is an object of
//
//   version, settings           what the report says of it
//   open()                      connects the side that adds, and makes what must be there first
//   add(job), addMany(jobs)     one or many; they return when the library says that they are kept
//   work(handle, concurrency)   hands every job to `handle(job)` and keeps its result
//   close()
//
// Adding and working are processes of their own, as they would be in production; a script runs twice, and this file
// decides which side it is. The last line on standard output is the figures in JSON.

import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import process from 'node:process'

export const settings = JSON.parse(process.env.CIRO_PEER_SETTINGS)

/** CLOCK_MONOTONIC in milliseconds: the same clock in both processes. */
const now = () => Number(process.hrtime.bigint()) / 1e6
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
/** The worker tells what it did this often, and not for every job. */
const TELL_MS = 20
/** How long the last jobs may take once no more come. */
const PATIENCE_MS = 60_000

const job = (series, number) => ({
  number,
  series,
  text: `${String(number).padStart(12, '0')} ${settings.seed} ${String(series).padStart(4, '0')}`.padEnd(100, '.'),
})

/** Runs the side of the library that this process is. */
export async function measure(library) {
  const side = process.argv[2] === 'work' ? work(library) : drive(library)
  await side.catch((error) => {
    console.error(error)
    process.exit(1)
  })
}

/** The worker: hashes what it is given, as the desk's workers do. */
async function work(library) {
  let done = 0
  const begun = []
  await library.work(async ({ series, number, text }) => {
    begun.push([series, number, now()])
    const output = createHash('sha256').update(text).digest('hex')
    done += 1
    return output
  }, settings.callers)
  const tell = () => process.send({ done, begun: begun.splice(0) })
  setInterval(tell, TELL_MS)
  process.on('message', async () => {
    tell()
    await library.close()
    process.exit(0)
  })
  tell()
}

/** Starts the worker's process; resolves when it is ready. */
async function employ() {
  const child = fork(process.argv[1], ['work'])
  const worker = { done: 0, begun: new Map(), child }
  child.on('exit', (code) => {
    if (code !== 0) {
      console.error(`the worker's process ended with ${code}`)
      process.exit(1)
    }
  })
  await new Promise((ready) => {
    child.on('message', ({ done, begun }) => {
      worker.done = done
      for (const [series, number, at] of begun) worker.begun.set(`${series} ${number}`, at)
      ready()
    })
  })
  return worker
}

async function drive(library) {
  await library.open()
  const adds = await adding(1, settings.callers, 1, (first) => library.add(job(1, first)))
  const many = (series) => (first) =>
    library.addMany(Array.from({ length: settings.batch_jobs }, (_, place) => job(series, first + place)))
  const bulkAdds = await adding(2, 4, settings.batch_jobs, many(2))
  // What was added so far is of no interest any more.
  await library.forget()

  const worker = await employ()
  const lives = await living(worker, many(3))
  const half = Math.min(adds, lives) / 2
  const pickup = await pickingUp(library, worker, half)
  const ended = new Promise((resolve) => worker.child.on('exit', resolve))
  worker.child.send('end')
  await ended
  await library.close()
  const figures = {
    version: library.version,
    settings: library.settings,
    adds_per_s: adds,
    bulk_adds_per_s: bulkAdds,
    lives_per_s: lives,
    pickup_offered_per_s: half,
    pickup_ms: pickup,
  }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}

/** `callers` that each wait for their call before the next; returns jobs in a second. */
async function adding(series, callers, size, call) {
  const from = now() + settings.warm_up_s * 1e3
  const until = from + settings.measure_s * 1e3
  let [next, added] = [0, 0]
  const caller = async () => {
    for (;;) {
      const first = next
      next += size
      await call(first)
      const told = now()
      if (told >= until) return
      if (told >= from) added += size
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return added / settings.measure_s
}

/** Batches go in and results come out; returns results in a second. */
async function living(worker, call) {
  const already = worker.done
  let [posted, over] = [0, false]
  const caller = async () => {
    while (!over) {
      if (posted - (worker.done - already) >= settings.outstanding_max) {
        await sleep(1)
        continue
      }
      const first = posted
      posted += settings.batch_jobs
      await call(first)
    }
  }
  const callers = Promise.all(Array.from({ length: 4 }, caller))
  // The first results are no part of it, however long the worker takes to begin.
  await until(() => worker.done > already, 'the worker begins')
  await sleep(settings.warm_up_s * 1e3)
  const [begun, from] = [worker.done, now()]
  await sleep(settings.measure_s * 1e3)
  const rate = (worker.done - begun) / ((now() - from) / 1e3)
  over = true
  await callers
  await until(() => worker.done - already >= posted, 'the worker has done everything')
  if (rate === 0) throw new Error('nothing was done in the time that is measured')
  return rate
}

/** Jobs come evenly at `rate`, whatever became of those before; returns how long each waited for its handler. */
async function pickingUp(library, worker, rate) {
  const count = Math.max(1, Math.floor(settings.pickup_s * rate))
  const start = now()
  const sent = new Array(count)
  let next = 0
  worker.begun.clear()
  const caller = async () => {
    while (next < count) {
      const number = next++
      const due = start + (number * 1e3) / rate
      const wasFree = now() < due
      if (wasFree) await sleep(due - now())
      // The timer's own lateness is no wait of the job's; a caller that came late is.
      sent[number] = wasFree ? now() : due
      await library.add(job(4, number))
    }
  }
  await Promise.all(Array.from({ length: settings.callers }, caller))
  await until(() => worker.begun.has(`4 ${count - 1}`) && worker.begun.size >= count, 'every job was picked up')
  return sent.map((at, number) => worker.begun.get(`4 ${number}`) - at)
}

async function until(happened, what) {
  const deadline = now() + PATIENCE_MS
  while (!happened()) {
    if (now() > deadline) throw new Error(`waited in vain until ${what}`)
    await sleep(5)
  }
}
