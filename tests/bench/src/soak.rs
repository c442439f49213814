//! `nexus-bench soak`: memory and open files of `nexus up` under a steady load, for as long as one likes.

use std::time::{Duration, Instant};

use clap::Args;

use crate::{
    forms::{self, Form, Running},
    meter,
    plan::{Case, PACED},
    run::{self, Upstream},
};

#[derive(Args)]
pub struct SoakArgs {
    /// How long the load runs
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Streams begun each second; each lasts a second
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Size of a request's body
    #[arg(long, default_value_t = 20_000)]
    bytes: usize,
}

/// What the process holds at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    minute: f64,
    memory_mb: f64,
    open_files: u64,
}

pub async fn run(args: &SoakArgs) -> anyhow::Result<()> {
    let nexus = forms::nexus_binary()?;
    let upstream = Upstream::start().await?;
    let running = forms::start(Form::Up, &nexus, upstream.port).await?;
    let case = Case {
        name: "soak",
        path: PACED,
        bytes: args.bytes,
        // As many as run at once, and some more: a late one must not hold up the next.
        connections: args.rate * 2,
        rate: Some(args.rate),
    };
    let load = run::load(running.port, &case, args.minutes * 60);
    let mut samples = Vec::new();
    let measured = tokio::select! {
        measured = load => measured?,
        never = watch(&running, &mut samples) => match never {},
    };
    println!("{}", table(&samples));
    println!("\n{} streams, {} errors.", measured.requests, measured.errors);
    Ok(())
}

/// Takes a sample each minute, the first one when everything has been used once.
async fn watch(running: &Running, samples: &mut Vec<Sample>) -> std::convert::Infallible {
    let began = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_mins(1)).await;
        let usage = meter::read(&running.pids());
        let sample = Sample {
            minute: began.elapsed().as_secs_f64() / 60.0,
            memory_mb: usage.rss_bytes as f64 / 1e6,
            open_files: usage.open_files,
        };
        eprintln!("{sample:.1?}");
        samples.push(sample);
    }
}

/// Every fifth minute, and what the last quarter holds beside the second: the first one fills caches.
fn table(samples: &[Sample]) -> String {
    let mut lines = vec!["| minute | memory MB | open files |\n|---|---|---|".to_owned()];
    lines.extend(samples.iter().skip(4).step_by(5).map(|sample| {
        let Sample { minute, memory_mb, open_files } = sample;
        format!("| {minute:.0} | {memory_mb:.0} | {open_files} |")
    }));
    let quarter = samples.len() / 4;
    let mean = |from: usize| {
        let part = &samples[from..from + quarter];
        part.iter().map(|sample| sample.memory_mb).sum::<f64>() / part.len().max(1) as f64
    };
    if quarter > 0 {
        let (second, last) = (mean(quarter), mean(samples.len() - quarter));
        lines.push(format!("\nLast quarter to second: {:.2}.", last / second));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_compared() {
        let sample =
            |minute: u32| Sample { minute: f64::from(minute), memory_mb: 100.0, open_files: 20 };
        let mut samples: Vec<_> = (1..=8).map(sample).collect();
        samples[7].memory_mb = 150.0;
        let table = table(&samples);
        assert!(table.contains("| 5 | 100 | 20 |"), "{table}");
        assert!(table.contains("Last quarter to second: 1.25."), "{table}");
    }
}
