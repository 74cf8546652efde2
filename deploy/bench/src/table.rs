//! The report for people: the desk's own figures, then each peer beside it.

use std::fmt::Write;

use crate::{accept::Accepts, cpu::Cores, latency::Percentiles, lives::Lives, report::Report};

/// All of it as text.
pub(crate) fn of(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let machine = &report.machine;
    writeln!(
        out,
        "{} profile, {} build of {}, {} × {}, {} GiB, {}, PostgreSQL {}, Redis {}, load before {}\n",
        report.profile.name,
        machine.build,
        machine.commit.get(..12).unwrap_or(&machine.commit),
        machine.cores,
        machine.cpu,
        machine.memory_gib,
        machine.data_filesystem,
        machine.postgres,
        machine.redis,
        machine.load_average,
    )?;
    rates(&mut out, report)?;
    rest(&mut out, report)?;
    peers(&mut out, report)?;
    Ok(out)
}

fn rates(out: &mut String, report: &Report) -> std::fmt::Result {
    let ciro = &report.ciro.measured;
    writeln!(
        out,
        "{:34} {:>10}   {:>28}   cores used",
        "ciro", "jobs/s", "call p50 / p99 / p99.9 ms"
    )?;
    let accept = |out: &mut String, name: &str, seen: &Accepts| {
        let (of, ms) = (cores(&seen.cores), percentiles(&seen.call_ms));
        writeln!(out, "{name:34} {:>10.0}   {ms:>28}   {of}", seen.jobs_per_s)
    };
    accept(out, "accept, single", &ciro.accept_single)?;
    accept(out, "accept, single, one sponsor", &ciro.accept_single_one_sponsor)?;
    accept(out, "accept, batches", &ciro.accept_batch)?;
    let lives = |out: &mut String, name: &str, seen: &Lives| {
        writeln!(out, "{name:34} {:>10.0}   {:>28}   {}", seen.jobs_per_s, "", cores(&seen.cores))
    };
    lives(out, "whole lives, batched", &ciro.lives_batched)?;
    lives(out, "whole lives, every call single", &ciro.lives_single)
}

fn rest(out: &mut String, report: &Report) -> std::fmt::Result {
    let (pickup, crowd) = (&report.ciro.measured.pickup, &report.ciro.measured.crowd);
    let (released, flush) = (&report.ciro.released_after_kill, &report.ciro.flush);
    writeln!(
        out,
        "\npickup at {:.0}/s: post to worker {} ms, 202 to worker {} ms (p50 / p99 / p99.9)",
        pickup.offered_per_s,
        percentiles(&pickup.post_to_worker_ms),
        percentiles(&pickup.commit_to_worker_ms),
    )?;
    writeln!(
        out,
        "{} waiting workers: {} Redis and {} PostgreSQL connections, {} MiB (before {}), idle {}, woken in {} ms",
        crowd.workers,
        crowd.redis_connections,
        crowd.postgres_connections,
        crowd.gateway_mib,
        crowd.gateway_mib_before,
        cores(&crowd.idle_cores),
        percentiles(&crowd.wake_ms),
    )?;
    writeln!(
        out,
        "worker killed with {} leases of {} s: first leased again after {} s, last after {} s",
        released.jobs, released.lease_ttl_s, released.first_s, released.last_s,
    )?;
    writeln!(
        out,
        "{} queued: {} bytes of Redis a job ({} in keys); FLUSHALL: first dispatch after {} s, all indexed after {} s",
        flush.queued_jobs,
        flush.redis_bytes_per_job,
        flush.key_bytes_per_job,
        flush.first_dispatch_s,
        flush.all_indexed_s,
    )
}

/// A ratio above 1 is in favour of ciro.
fn peers(out: &mut String, report: &Report) -> std::fmt::Result {
    let ciro = &report.ciro.measured;
    writeln!(
        out,
        "\n{:18} {:>20} {:>20} {:>20} {:>22} {:>22}",
        "", "adds/s", "bulk adds/s", "lives/s", "pickup p50 ms", "pickup p99 ms"
    )?;
    let ours = [
        ciro.accept_single.jobs_per_s,
        ciro.accept_batch.jobs_per_s,
        ciro.lives_batched.jobs_per_s,
        ciro.pickup.post_to_worker_ms.p50,
        ciro.pickup.post_to_worker_ms.p99,
    ];
    writeln!(
        out,
        "{:18} {:>20.0} {:>20.0} {:>20.0} {:>22.2} {:>22.2}",
        "ciro", ours[0], ours[1], ours[2], ours[3], ours[4]
    )?;
    for (name, peer) in &report.peers {
        let rate = |ours: f64, theirs: f64| format!("{theirs:.0} ({:.2}×)", ours / theirs);
        let wait = |ours: f64, theirs: f64| format!("{theirs:.2} ({:.2}×)", theirs / ours);
        writeln!(
            out,
            "{name:18} {:>20} {:>20} {:>20} {:>22} {:>22}",
            rate(ours[0], peer.adds_per_s),
            rate(ours[1], peer.bulk_adds_per_s),
            rate(ours[2], peer.lives_per_s),
            wait(ours[3], peer.pickup_ms.p50),
            wait(ours[4], peer.pickup_ms.p99),
        )?;
    }
    Ok(())
}

fn percentiles(of: &Percentiles) -> String {
    format!("{:.2} / {:.2} / {:.2}", of.p50, of.p99, of.p999)
}

fn cores(of: &Cores) -> String {
    format!(
        "gateway {:.2}, PostgreSQL {:.2}, Redis {:.2}, load {:.2}",
        of.gateway, of.postgres, of.redis, of.load
    )
}
