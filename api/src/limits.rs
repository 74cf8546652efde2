//! Every bound in the system, each with its derivation. Nothing is unbounded.

use std::num::NonZeroUsize;

/// Largest REST body in bytes: a 64 KiB input in base64 (4/3) with 8 KiB of envelope, rounded up to 96 KiB.
pub const BODY_BYTES_MAX: usize = 96 * 1024;

/// Most jobs in one batch: their rows are some 30 ms of one transaction, in which the sponsor is locked.
pub const BATCH_JOBS_MAX: usize = 1_000;

/// Token keys that are known at once: the signing one, the next and the last, and one to spare.
pub const TOKEN_KEYS_MAX: usize = 4;

/// How long a change of the token keys stays unseen at most, in milliseconds.
pub const TOKEN_KEYS_LAG_MS: u64 = 5_000;

/// Jobs of single requests that are written in one transaction: enough that the wait for the disk is a small part of it,
/// few enough that it takes a few milliseconds.
pub const ACCEPT_TOGETHER_MAX: usize = 64;

/// Jobs that may wait to be written: a second's worth at 4,000 a second, and at 96 KiB each less than 400 MiB.
pub const ACCEPT_LINE_MAX: usize = 4_096;

/// Jobs that are granted in one statement, of however many lease calls.
pub const GRANT_TOGETHER_MAX: usize = 256;

/// Lease calls that may wait for a grant to be written.
pub const GRANT_LINE_MAX: usize = 4_096;

/// Results that are stored in one transaction, of however many calls.
pub const RESULTS_TOGETHER_MAX: usize = 256;

/// Calls whose results may wait to be stored: at 1.5 MiB each less than 400 MiB.
pub const RESULTS_LINE_MAX: usize = 256;

/// Largest body of a batch in bytes: [`BATCH_JOBS_MAX`] jobs of 8 KiB each with their envelope, rounded up to MiB. Jobs
/// with larger inputs come in smaller batches.
pub const BATCH_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Jobs pushed into Redis by one call: a script of 256 members runs well below a millisecond, and no other waits longer.
pub const ENQUEUE_JOBS_MAX: usize = 256;

/// Largest result body in bytes: [`ATTESTATIONS_MAX`] results of 4 KiB outputs in base64 plus evidence, rounded up.
pub const RESULT_BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest message to the job service over gRPC in bytes: a 64 KiB input with 8 KiB of envelope. Less than
/// [`BODY_BYTES_MAX`], since bytes travel as they are.
pub const JOB_MESSAGE_BYTES_MAX: usize = 72 * 1024;

/// Largest message to the worker service over gRPC in bytes: what fits a REST body fits here, where it is smaller.
pub const WORKER_MESSAGE_BYTES_MAX: usize = RESULT_BODY_BYTES_MAX;

/// Messages of one session stream that are worked on at a time: a long poll with heartbeats and results beside it. At
/// [`WORKER_MESSAGE_BYTES_MAX`] each, a worker keeps 32 MiB of a gateway busy at the worst.
pub const SESSION_IN_FLIGHT_MAX: usize = 8;

/// How long a session stream may be silent in milliseconds: two of the longest polls, six heartbeats.
pub const SESSION_IDLE_MS: u64 = 2 * WAIT_MS_MAX;

/// How long before a call's deadline a wait ends in milliseconds, so that the answer arrives while its caller still
/// listens: a query and the way of a far client.
pub const REPLY_MARGIN_MS: u64 = 250;

/// Largest output of one job in bytes. Outputs live in `PostgreSQL` rows; larger ones need an object store.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Most attestations under one signature. Depth 8, so a path costs at most 8 Hades permutations on chain.
pub const ATTESTATIONS_MAX: usize = 256;

/// Most receipts in one statement: with 868 k L2 gas a statement (`contracts/gas.json`), 1,000 receipts make about 900 gas a job.
pub const RECEIPTS_MAX: usize = 1_000;

/// Most statements in one `settle`: 50 × 8 felts of calldata is far below 5,000, and 50 × 1.7 M
/// first-time L2 gas is far below the 1.1e9 of one transaction.
pub const STATEMENTS_MAX: usize = 50;

/// Most operations in one batch of the Forwarder: the smallest, a transfer by an account with one Stark key, has 19 felts of
/// calldata, so 200 fit the 4,000 that a gateway takes. Larger ones fill it sooner.
pub const OPERATIONS_MAX: usize = 200;

/// Most felts of calldata that a relayer puts into one transaction: what gateways of the chain take. The blocks themselves would
/// take 5,000.
pub const RELAYED_FELTS_MAX: u64 = 4_000;

/// Most L2 gas that the operations of one transaction take together, as simulated: leaves a tenth for what simulations miss.
pub const RELAYED_L2_GAS_MAX: u64 = 1_000_000_000;

/// Most L2 gas that a transaction may be bound to: what the chain gives to the execution of one.
pub const TRANSACTION_L2_GAS_MAX: u64 = 1_110_000_000;

/// Deepest tree of a fleet's devices: 4 billion places. Each level is a felt of calldata in every operation.
pub const FLEET_DEPTH_MAX: u32 = 32;

/// Most jobs that a device posts in one operation: it stays within a tenth of a transaction, so others fit beside it.
pub const DEVICE_CALLS_MAX: usize = 8;

/// Longest name of a pool in bytes: it is part of every key and label of the pool.
pub const POOL_NAME_BYTES_MAX: usize = 32;

/// Most pools that one lease call may name: each is one look at the index, and a worker has one machine.
pub const LEASE_POOLS_MAX: usize = 16;

/// Most jobs one lease call may ask for; the Redis function's batch bound is 256.
pub const LEASE_JOBS_MAX: u32 = 64;

/// Most leases that one heartbeat or release may carry: the Redis function's batch bound.
pub const LEASES_TOGETHER_MAX: usize = 256;

/// Longest long poll in milliseconds: below the 60 s idle time-outs of common load balancers.
pub const WAIT_MS_MAX: u64 = 30_000;

/// Most jobs on one page: 100 summaries of about 400 bytes are 40 KiB, less than one result may be.
pub const JOB_PAGE_MAX: u32 = 100;

/// Jobs on a page unless told.
pub const JOB_PAGE_DEFAULT: u32 = 50;

/// Most jobs that one filtered page looks at: two lookups by primary key for each are some milliseconds, and at one
/// job in 20 that matches, a default page fills.
pub const JOB_PAGE_LOOK_MAX: i64 = 1_000;

/// How long a lease lives without a heartbeat.
pub const LEASE_TTL_MS: u64 = 30_000;

/// How long a grant lives in Redis before `PostgreSQL` has confirmed it.
pub const GRANT_MS: u64 = 5_000;

/// Largest epoch that a lease may be named with. An epoch grows by one with each lease of its job, and nobody leases one job
/// four billion times.
pub const EPOCH_MAX: u64 = 0xffff_ffff;

/// Longest run of one job in milliseconds, whatever its heartbeats say.
pub const RUN_WITHIN_MS_MAX: u64 = 600_000;

/// Default run deadline of a job.
pub const RUN_WITHIN_MS_DEFAULT: u64 = 60_000;

/// Longest time a job may wait for a worker: one day.
pub const START_WITHIN_MS_MAX: u64 = 86_400_000;

/// Default time a job may wait for a worker: one hour.
pub const START_WITHIN_MS_DEFAULT: u64 = 3_600_000;

/// Longest time a job may be kept back before a worker may have it: one week. Longer plans belong to a calendar.
pub const DELAY_MS_MAX: u64 = 7 * 86_400_000;

/// Head start of a job with high priority, and what one of low priority waits more, in jobs: enough to pass a burst of a
/// batch lease or two, little enough that a low priority is overtaken by a few hundred jobs and not by a day's.
pub const HEAD_START_JOBS: i64 = 100;

/// Worker deaths after which a job is taken for poisonous and fails.
pub const CRASHES_MAX: i32 = 3;

/// Longest `Idempotency-Key` in bytes, as common practice has it.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// How long an idempotency key is kept, in hours.
pub const IDEMPOTENCY_HOURS: i32 = 24;

/// Life of an access token: long enough for a burst of jobs, short enough to outlive a revocation only briefly.
pub const TOKEN_TTL_S: u64 = 900;

/// Tokens that a gateway remembers to have checked, some 100 bytes each: devices that are active within minutes.
pub const TOKENS_REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(16 * 1024).unwrap();

/// How long a gateway may not know yet what was written for all gateways (a revoked device, a worker to be drained, a
/// sponsor's cap): one query each second and gateway is no load, and a stolen device gains a second.
pub const RECENT_LAG_MS: u64 = 1_000;

/// Longest name of an API key in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 64;

/// Longest life of an API key in days: a year, so that a forgotten one ends by itself.
pub const KEY_DAYS_MAX: u16 = 366;

/// Most days of usage in one reply: a month.
pub const USAGE_DAYS_MAX: u32 = 31;

/// Days of usage unless told.
pub const USAGE_DAYS_DEFAULT: u32 = 7;

/// Jobs that usage counts per day; more are told as "at least". 31 such days are 3.1 million index entries, less than
/// a second.
pub const USAGE_JOBS_PER_DAY_MAX: i64 = 100_000;

/// Longest life a client assertion may claim.
pub const ASSERTION_TTL_S_MAX: u64 = 300;

/// Tolerated clock skew in an assertion.
pub const CLOCK_SKEW_S: u64 = 60;

/// The window that request quotas are told for, in seconds.
pub const QUOTA_WINDOW_S: u32 = 60;

/// Requests of one device in [`QUOTA_WINDOW_S`] unless configured: 100 in each second, many times what a device needs that
/// batches, and few enough that one of them cannot keep a replica busy.
pub const DEVICE_REQUESTS_DEFAULT: u32 = 6_000;

/// The same for all API keys of one sponsor together: ten each second, enough for a server that watches its fleet.
pub const SPONSOR_REQUESTS_DEFAULT: u32 = 600;

/// Largest quota that can be configured: then a request grows back in the smallest step of the limiter's clock, 1 µs.
pub const QUOTA_MAX: u32 = QUOTA_WINDOW_S * 1_000_000;

/// Longest wait for the limiter's Redis in milliseconds: it decides in well below one, and a request that has waited a
/// quarter of a second for it should not wait longer.
pub const LIMITER_WAIT_MS: u64 = 250;

/// How long nobody asks the queue's Redis once it has failed, in milliseconds.
pub const QUEUE_BLIND_MS: u64 = 1_000;

/// How long the limiter lets everyone through without asking once Redis has failed it, in milliseconds.
pub const LIMITER_BLIND_MS: u64 = 1_000;

/// Most devices on one page: 100 of about 200 bytes.
pub const DEVICE_PAGE_MAX: u32 = 100;

/// Devices on a page unless told.
pub const DEVICE_PAGE_DEFAULT: u32 = 50;

/// Devices that one claim token may enrol: the largest batch of a factory; whoever steals the token gets no more.
pub const CLAIMS_MAX: u32 = 10_000;

/// Longest life of a claim token in seconds, 366 days: boxes may lie in a shop for a season, and a forgotten token ends by
/// itself.
pub const CLAIM_TOKEN_TTL_S_MAX: u32 = 366 * 86_400;

/// Longest name of a claim token in characters.
pub const CLAIM_TOKEN_NAME_CHARS_MAX: usize = 64;

/// Serials that one claim token may be limited to: at [`SERIAL_BYTES_MAX`] each with their quotes and commas they fit in
/// [`BODY_BYTES_MAX`].
pub const CLAIM_SERIALS_MAX: usize = 1_000;

/// Live claim tokens of one sponsor: one for each of some hundred batches, or for each device that is being set up. With
/// the longest lists of serials they are 32 MiB.
pub const CLAIM_TOKENS_MAX: i64 = 500;

/// Claim tokens of one sponsor that have ended and are still listed; older ones are forgotten when it makes a new one.
pub const CLAIM_TOKENS_ENDED_MAX: i64 = 500;

/// Most claim tokens on one page: 100 of about 300 bytes.
pub const CLAIM_TOKEN_PAGE_MAX: u32 = 100;

/// Claim tokens on a page unless told.
pub const CLAIM_TOKEN_PAGE_DEFAULT: u32 = 50;

/// Claims with one claim token in [`QUOTA_WINDOW_S`] unless configured: 100 in each second, since they wait for one another
/// in the token's row; a batch of [`CLAIMS_MAX`] that is switched on at once is enrolled within two minutes.
pub const CLAIMS_DEFAULT: u32 = 6_000;

/// Claims with claim tokens that nobody ever made, of all strangers together: ten in each second. No device of a sponsor is
/// among them.
pub const UNKNOWN_CLAIMS_DEFAULT: u32 = 600;

/// Jobs that one worker should have when nothing else is told: enough to keep it busy between two polls, few enough that
/// a queue of slow ones asks for more workers early.
pub const JOBS_PER_WORKER_DEFAULT: u32 = 4;

/// Jobs at the front of a pool whose ages are looked at: as many as the largest grants of four workers take next.
pub const POOL_LOOK_MAX: u32 = 4 * LEASE_JOBS_MAX;

/// Most elements of one tensor, each a job: as many as one worker may lease at once, so that one wait can cover them.
pub const INFER_ELEMENTS_MAX: usize = 64;

/// Largest body of an inference request in bytes: [`INFER_ELEMENTS_MAX`] inputs of 64 KiB, and 64 KiB of JSON.
pub const INFER_BODY_BYTES_MAX: usize = (INFER_ELEMENTS_MAX + 1) * 64 * 1024;

/// Most of one thing that a worker tells of a run, in bytes: a page of text. Longer output comes in pieces.
pub const EVENT_BYTES_MAX: usize = 4 * 1024;

/// Most things that one run tells in a second: a person reads less, and each is one write and one wake-up.
pub const EVENTS_PER_SECOND_MAX: u32 = 50;

/// Things told of a job that are kept for who comes later: 20 s at the highest rate.
pub const EVENTS_KEPT_MAX: usize = 1_024;

/// Most bytes of them. With [`EVENTS_KEPT_MAX`] largest ones it would be 4 MiB; a listener that is away for long can live
/// with the last quarter.
pub const EVENTS_KEPT_BYTES_MAX: usize = 1024 * 1024;

/// How long they are kept after the last one: as long as a run may take, so that none is forgotten while it runs.
pub const EVENTS_TTL_MS: u64 = RUN_WITHIN_MS_MAX;

/// Things told that one look reads: 128 of the largest are half a MiB, which a stream holds at most.
pub const EVENTS_READ_MAX: usize = 128;

/// Event streams of one device on one replica: a device follows a few jobs, and polls the others.
pub const EVENT_STREAMS_PER_DEVICE_MAX: usize = 8;

/// Event streams on one replica: each asks the database once a second, so this many are a fifth of what it can answer.
pub const EVENT_STREAMS_MAX: usize = 4_096;

/// Longest life of one event stream in seconds: that of the token that opened it. The client comes back with a new one.
pub const EVENT_STREAM_S_MAX: u64 = TOKEN_TTL_S;
/// Longest address of a webhook in bytes: what browsers and proxies agree on.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;

/// Live signing secrets of one sponsor: the one in use, and its successor during a rotation.
pub const WEBHOOK_SECRETS_MAX: i64 = 2;

/// How long a secret stays live beside its successor unless told: a day for whoever deploys receivers.
pub const WEBHOOK_OVERLAP_S_DEFAULT: u32 = 86_400;

/// The longest such time: a week.
pub const WEBHOOK_OVERLAP_S_MAX: u32 = 7 * 86_400;

/// How long a receiver may take to answer.
pub const WEBHOOK_TIMEOUT_MS: u64 = 15_000;

/// How long a delivery belongs to the gateway that took it on: [`WEBHOOK_TIMEOUT_MS`] and as much again for the work
/// around it. A gateway that dies gives its deliveries to others after that.
pub const WEBHOOK_CLAIM_MS: u64 = 2 * WEBHOOK_TIMEOUT_MS;

/// Deliveries that one gateway has under way at once: 64 receivers that never answer cost 64 sockets, and still leave
/// four tries a second to others.
pub const WEBHOOKS_AT_ONCE_MAX: usize = 64;

/// Of those, to one host: an event's receiver needs no more, and one that never answers takes no more.
pub const WEBHOOKS_PER_HOST_MAX: usize = 4;

/// What is read of a receiver's answer, in bytes; its status is all that counts.
pub const WEBHOOK_REPLY_BYTES_MAX: usize = 16 * 1024;

/// How long a delivery that was given up can be seen and tried again, in days.
pub const WEBHOOK_FAILED_DAYS: i32 = 30;

/// Longest `tracestate` in bytes that is kept: what W3C Trace Context asks to carry at least.
pub const TRACE_STATE_BYTES_MAX: usize = 512;

/// Longest device serial in bytes.
pub const SERIAL_BYTES_MAX: usize = 64;

/// How long a worker's login challenge may be answered.
pub const CHALLENGE_TTL_S: u64 = 60;

const _: () = assert!(BATCH_JOBS_MAX * 8 * 1024 <= BATCH_BODY_BYTES_MAX);
const _: () = assert!(BODY_BYTES_MAX < BATCH_BODY_BYTES_MAX);
const _: () = assert!(OUTPUT_BYTES_MAX * 4 / 3 < BODY_BYTES_MAX);
const _: () = assert!(TOKEN_TTL_S > ASSERTION_TTL_S_MAX);
const _: () = assert!(WAIT_MS_MAX <= LEASE_TTL_MS);
const _: () = assert!(EVENT_BYTES_MAX * 4 / 3 < BODY_BYTES_MAX);
const _: () = assert!(EVENT_BYTES_MAX <= EVENTS_KEPT_BYTES_MAX);
const _: () =
    assert!(OUTPUT_BYTES_MAX < JOB_MESSAGE_BYTES_MAX && JOB_MESSAGE_BYTES_MAX < BODY_BYTES_MAX);
const _: () = assert!(SESSION_IDLE_MS > WAIT_MS_MAX && SESSION_IDLE_MS > LEASE_TTL_MS);
const _: () = assert!(WEBHOOK_TIMEOUT_MS < WEBHOOK_CLAIM_MS);
const _: () = assert!(WEBHOOKS_PER_HOST_MAX < WEBHOOKS_AT_ONCE_MAX);
const _: () = assert!(CLAIM_SERIALS_MAX * (SERIAL_BYTES_MAX + 3) + 1024 <= BODY_BYTES_MAX);
