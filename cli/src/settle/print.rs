//! The table that a worker's owner reads.

use std::io::{self, Write};

use ciro_api::Fri;

use super::{Fate, Outcome, Row};

pub(super) fn outcome(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    if !outcome.rows.is_empty() {
        writeln!(
            out,
            "{:<66} {:>6} {:>8} {:>24}  what became of it",
            "sponsor", "seq", "receipts", "amount (fri)"
        )?;
    }
    for row in &outcome.rows {
        let kept = &row.statement;
        writeln!(
            out,
            "{:<66} {:>6} {:>8} {:>24}  {}",
            kept.sponsor.to_string(),
            kept.seq,
            kept.count,
            kept.amount_fri.to_string(),
            fate(&row.fate)
        )?;
    }
    let is_settled = |row: &&Row| matches!(row.fate, Fate::Settled(_));
    let settled: Vec<&Row> = outcome.rows.iter().filter(is_settled).collect();
    let sum =
        settled.iter().fold(0, |sum: u128, row| sum.saturating_add(row.statement.amount_fri.0));
    writeln!(
        out,
        "settled {} statements worth {} fri; {} refused; {} were settled before{}",
        settled.len(),
        Fri(sum),
        outcome.refused(),
        outcome.settled_before,
        match outcome.of_other_chains {
            0 => String::new(),
            others => format!("; {others} are of other chains than the node's"),
        }
    )
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Settled(hash) => format!("settled in {hash}"),
        Fate::Meanwhile => "settled meanwhile by somebody else".to_owned(),
        Fate::Refused { reason, tx_hash: None } => format!("not sent: {reason}"),
        Fate::Refused { reason, tx_hash: Some(hash) } => format!("refused in {hash}: {reason}"),
    }
}
