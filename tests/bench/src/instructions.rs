//! `nexus-bench instructions`: whether the code on every exchange's way needs more instructions than it
//! used to. Valgrind counts them, so that a busy machine changes nothing; as a share of what serde_json
//! needs for the same request, so that another compiler changes little.

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use nexus_contract::mask_secrets;
use nexus_linking::{Hash, chain};
use nexus_messages::{Answer, Request};
use serde_json::Value;

use crate::{request, upstream};

#[derive(Args)]
pub struct InstructionsArgs {
    /// The shares to compare with
    #[arg(long, default_value = "tests/bench/instructions.json")]
    baseline: PathBuf,
    /// Write the shares there instead
    #[arg(long)]
    write: bool,
}

#[derive(Args)]
pub struct WorkArgs {
    work: Work,
    times: u32,
}

/// Bytes of the request, about one message a kilobyte.
const REQUEST: usize = 200_000;
/// Events of the answer.
const EVENTS: u64 = 500;
/// A piece of work may need so much more than its baseline: what another compiler makes of it.
const MAX_GROWTH: f64 = 1.2;
/// What twice the length may need: twice as much, and a little for what no length changes.
const MAX_DOUBLED: f64 = 2.1;

/// A piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Work {
    /// serde_json reads the request: what the others are measured by.
    Json,
    /// Read the request as consumers do.
    Request,
    /// Read, normalise and hash it, every prefix.
    Chain,
    /// The same of twice the length.
    LongerChain,
    /// Read a stream.
    Answer,
    /// Look for secrets.
    Mask,
}

impl Work {
    const COMPARED: [Self; 4] = [Self::Request, Self::Chain, Self::Answer, Self::Mask];

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, times: u32) -> anyhow::Result<()> {
        let length = if self == Self::LongerChain { 2 * REQUEST } else { REQUEST };
        let (body, events) = (request::body(length), upstream::events(EVENTS));
        for _ in 0..times {
            let body = black_box(body.as_bytes());
            match self {
                Self::Json => drop(black_box(serde_json::from_slice::<Value>(body)?)),
                Self::Request => drop(black_box(Request::parse(body)?)),
                Self::Chain | Self::LongerChain => {
                    let blocks = chain::blocks(&Request::parse(body)?);
                    drop(black_box(chain::extend(Hash::START, 0, &blocks)));
                }
                Self::Answer => {
                    let kind = Some("text/event-stream");
                    drop(black_box(Answer::read(kind, black_box(events.as_bytes()))));
                }
                Self::Mask => drop(black_box(mask_secrets(std::str::from_utf8(body)?))),
            }
        }
        Ok(())
    }
}

/// Does the work; run beneath Valgrind.
pub fn work(args: &WorkArgs) -> anyhow::Result<()> {
    args.work.run(args.times)
}

pub fn run(args: &InstructionsArgs) -> anyhow::Result<()> {
    let json = count(Work::Json)?;
    let mut shares = BTreeMap::new();
    for work in Work::COMPARED {
        shares.insert(work.name(), count(work)? / json);
    }
    if args.write {
        return Ok(fs::write(&args.baseline, serde_json::to_string_pretty(&shares)? + "\n")?);
    }
    let baseline = fs::read_to_string(&args.baseline)
        .with_context(|| format!("{} can't be read", args.baseline.display()))?;
    let baseline: BTreeMap<String, f64> = serde_json::from_str(&baseline)?;
    let doubled = count(Work::LongerChain)? / json / shares[&Work::Chain.name()];
    println!("| work | instructions, by serde_json's | baseline |\n|---|---|---|");
    for (name, share) in &shares {
        let before = baseline.get(name).with_context(|| format!("no baseline of {name}"))?;
        println!("| {name} | {share:.2} | {before:.2} |");
    }
    println!("\nThe chain of twice the length: {doubled:.2} times the instructions.");
    let grown = shares.iter().filter(|(name, share)| **share > baseline[*name] * MAX_GROWTH);
    let grown: Vec<_> = grown.map(|(name, _)| name.as_str()).collect();
    ensure!(grown.is_empty(), "more than {MAX_GROWTH} times the baseline: {}", grown.join(", "));
    ensure!(doubled < MAX_DOUBLED, "the chain is not linear in the request's length");
    Ok(())
}

/// Instructions of one piece of work, without those of the start.
fn count(work: Work) -> anyhow::Result<f64> {
    let (once, thrice) = (total(work, 1)?, total(work, 3)?);
    Ok(thrice.saturating_sub(once) as f64 / 2.0)
}

/// Instructions of a process that does the work so many times.
fn total(work: Work, times: u32) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["work", &work.name(), &times.to_string()])
        .stdout(Stdio::null())
        .output()
        .context("valgrind (is it installed?)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} ended with {}: {said}", work.name(), output.status);
    instructions(&said).with_context(|| format!("valgrind's count is missing: {said}"))
}

/// The number behind `I refs:`.
fn instructions(said: &str) -> Option<u64> {
    let (_, count) = said.lines().find_map(|line| line.split_once("refs:"))?;
    count.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valgrinds_count_is_found() {
        let said = "==1== Cachegrind\n==1== \n==1== I   refs:      1,127,601\n";
        assert_eq!(instructions(said), Some(1_127_601));
        assert_eq!(instructions("valgrind: no such file"), None);
    }

    #[test]
    fn every_piece_of_work_can_be_done() {
        for work in Work::value_variants() {
            work.run(1).expect("it ends");
        }
    }
}
