//! What a person sees.

use std::io::{self, Write};

use ciro_api::{Fri, rest::jobs::Job};

use super::{Done, Request, accounting::Balances, device::Device, inputs};
use crate::dev::network::Network;

pub(super) fn enrolment(
    out: &mut impl Write,
    network: &Network,
    device: &Device,
) -> io::Result<()> {
    writeln!(
        out,
        "device {} enrolled as {} with a fresh P-256 key; it holds no STRK and never will",
        device.serial, device.id
    )?;
    writeln!(
        out,
        "  curl -X POST {}/v1/devices/claim -H 'content-type: application/json' \\",
        network.gateway_url
    )?;
    writeln!(
        out,
        "       -d '{{\"claim_token\":\"…\",\"serial\":\"{}\",\"public_key\":{{…}},\"proof\":\"<JWT by the device>\"}}'",
        device.serial
    )?;
    writeln!(out, "  curl -X POST {}/v1/devices/token \\", network.gateway_url)?;
    writeln!(
        out,
        "       -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer -d assertion='<JWT by the device>'\n"
    )
}

pub(super) fn requests(
    out: &mut impl Write,
    network: &Network,
    requests: &[Request],
) -> io::Result<()> {
    writeln!(out, "it posts {} jobs, as anyone could with its token:", requests.len())?;
    writeln!(
        out,
        "  curl -X POST {}/v1/jobs -H \"authorization: Bearer $TOKEN\" \\",
        network.gateway_url
    )?;
    writeln!(
        out,
        "       -H 'content-type: application/json' -H 'idempotency-key: my-1' -H 'prefer: wait=30' \\"
    )?;
    writeln!(
        out,
        "       -d '{{\"model\":\"ciro/sentiment@1\",\"input\":{{\"text\":\"Hello world\"}}}}'\n"
    )
}

/// Rows shown before the rest is summed up.
const ROWS: usize = 14;

pub(super) fn table(out: &mut impl Write, done: &[Done]) -> io::Result<()> {
    writeln!(
        out,
        "\n{:<12} {:<17} {:<34} {:<20} {:<14} {:>6} {:>6}  {:<12} {:<12}",
        "job", "model", "input", "result", "level", "queued", "run", "statement", "tx"
    )?;
    for item in done.iter().take(ROWS) {
        row(out, item)?;
    }
    if done.len() > ROWS {
        writeln!(out, "… and {} more in the report", done.len() - ROWS)?;
    }
    agreement(out, done)
}

fn row(out: &mut impl Write, item: &Done) -> io::Result<()> {
    let Job { id, model, level, timings, settlement, .. } = &item.job;
    let result = result(item);
    let (queued, run) = timings.as_ref().map_or((0, 0), |t| (t.queue_ms, t.run_ms));
    let statement =
        settlement.as_ref().and_then(|s| s.statement).map_or_else(String::new, |s| s.to_string());
    let tx =
        settlement.as_ref().and_then(|s| s.tx_hash).map_or_else(String::new, |t| t.to_string());
    writeln!(
        out,
        "{:<12} {:<17} {:<34} {:<20} {:<14} {:>4}ms {:>4}ms  {:<12} {:<12}",
        tail(&id.to_string(), 10),
        model,
        head(&item.request.label, 33),
        head(&result, 19),
        level.as_str(),
        queued,
        run,
        tail(&statement, 10),
        head(&tx, 11)
    )
}

fn result(item: &Done) -> String {
    let Some(output) = &item.job.output else {
        return String::new();
    };
    match (&output.hex, inputs::sentiment_label(item)) {
        (Some(hex), _) => hex.clone(),
        (None, Some(label)) => {
            let confidence = output.json.as_ref().and_then(|json| json.get("confidence"));
            format!("{label} {}", confidence.map_or_else(String::new, ToString::to_string))
        }
        _ => format!("{} bytes", output.data.0.len()),
    }
}

/// How often the model said what people said, where people were clear.
fn agreement(out: &mut impl Write, done: &[Done]) -> io::Result<()> {
    let clear: Vec<_> = done
        .iter()
        .filter_map(|d| Some((d.request.rating?, inputs::sentiment_label(d)?)))
        .filter(|(rating, _)| rating.abs() >= 1.0)
        .collect();
    let agree = clear
        .iter()
        .filter(|(rating, label)| *label == if *rating > 0.0 { "positive" } else { "negative" })
        .count();
    writeln!(
        out,
        "of {} sentences that people rated clearly positive or negative, the model agrees on {agree}",
        clear.len()
    )?;
    writeln!(
        out,
        "(most of them are sentences it was trained on; its model card has the held-out accuracy)\n"
    )
}

pub(super) fn money(
    out: &mut impl Write,
    before: &Balances,
    after: &Balances,
    owed: Fri,
) -> io::Result<()> {
    let difference = |a: anyhow::Result<Fri>| a.map_or_else(|e| e.to_string(), |f| f.to_string());
    writeln!(out, "the jobs cost                 {owed:>24} fri")?;
    writeln!(
        out,
        "the sponsor's deposit fell by {:>24} fri ({} -> {})",
        difference(before.spent(after)),
        before.deposit,
        after.deposit
    )?;
    writeln!(out, "the pool paid the worker      {:>24} fri", difference(before.paid(after)))?;
    writeln!(out, "the device paid               {:>24} fri", 0)
}

fn head(text: &str, width: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() <= width {
        line
    } else {
        line.chars().take(width - 1).chain(['…']).collect()
    }
}

fn tail(text: &str, width: usize) -> String {
    let skip = text.chars().count().saturating_sub(width);
    if skip == 0 {
        text.to_owned()
    } else {
        ['…'].into_iter().chain(text.chars().skip(skip)).collect()
    }
}
