//! The report for people.

use std::fmt::Write;

use super::{Rate, Rates, Report, Shared};

fn rates(out: &mut String, rates: &Rates) -> std::fmt::Result {
    let mut rate = |name: &str, rate: &Rate| {
        writeln!(
            out,
            "{name:34} {:>8.1} operations/s   ({} in {} s)",
            rate.per_s, rate.operations, rate.took_s
        )
    };
    rate("  the account itself, one by one", &rates.by_the_account_itself)?;
    rate("  relayed, one by one", &rates.relayed_one_at_a_time)?;
    rate("  relayed, all at once", &rates.relayed_together)?;
    let Shared { transactions, most_in_one } = &rates.shared;
    writeln!(out, "{:34} {transactions} transactions, at most {most_in_one} in one", "")
}

/// All of it as text.
pub(super) fn of(report: &Report) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let machine = &report.machine;
    writeln!(
        out,
        "{} profile, {} build of {}, {} × {}, {} relayers, load before {}\n",
        report.profile.name,
        machine.build,
        machine.commit.get(..12).unwrap_or(&machine.commit),
        machine.cores,
        machine.cpu,
        report.relayers,
        machine.load_average,
    )?;
    writeln!(out, "a block for each transaction")?;
    rates(&mut out, &report.block_each)?;
    writeln!(out, "a block each second")?;
    rates(&mut out, &report.block_each_second)?;
    let build = &report.build_ms;
    writeln!(
        out,
        "{:34} p50 {} ms, p99 {} ms ({} builds)",
        "build", build.p50, build.p99, build.samples
    )?;
    let decision = &report.policy_decision_us;
    writeln!(
        out,
        "{:34} {} µs by named calls, {} µs looking at all 1,000 rules\n",
        "policy decision", decision.named_calls, decision.looking_at_all
    )?;
    writeln!(out, "{:34} L2 gas for each, by how many share a transaction", "sponsored")?;
    for (name, by) in report.l2_gas.rows() {
        let each: Vec<String> = by.iter().map(|(count, gas)| format!("{count}: {gas}")).collect();
        writeln!(out, "{name:34} {}", each.join("   "))?;
    }
    for (name, ratio) in &report.ratios {
        writeln!(out, "{name:50} {ratio}")?;
    }
    writeln!(out)?;
    Ok(out)
}
