//! The asking side: a closed loop (each connection asks again as soon as it was answered), or an
//! open one (requests are due at a fixed rate, and late ones count from when they were due).

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::BytesMut;
use clap::Args;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::{answer, request};

#[derive(Args, Clone)]
pub struct LoadArgs {
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub path: String,
    /// Size of a request's body
    #[arg(long)]
    pub bytes: usize,
    #[arg(long)]
    pub connections: u32,
    #[arg(long)]
    pub seconds: u64,
    /// Requests per second of all connections together; without it the loop is closed
    #[arg(long)]
    pub rate: Option<f64>,
}

/// What one load measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Measured {
    pub requests: u64,
    pub errors: u64,
    pub seconds: f64,
    /// Whole exchange, in microseconds.
    pub latency: Quantiles,
    /// Until the first byte of the body.
    pub first_byte: Quantiles,
    /// Between parts of a body.
    pub gap: Quantiles,
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Quantiles {
    pub p50: u64,
    pub p99: u64,
    pub max: u64,
}

pub async fn run(args: &LoadArgs) -> anyhow::Result<()> {
    let measured = measure(args).await?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

async fn measure(args: &LoadArgs) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..args.connections {
        tasks.spawn(connection(args.clone(), number, began));
    }
    let mut total = Tally::new()?;
    while let Some(tally) = tasks.join_next().await {
        total.add(&tally??)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Measured {
        requests: total.latency.len(),
        errors: total.errors,
        seconds,
        latency: quantiles(&total.latency),
        first_byte: quantiles(&total.first_byte),
        gap: quantiles(&total.gap),
    })
}

async fn connection(args: LoadArgs, number: u32, began: Instant) -> anyhow::Result<Tally> {
    let end = began + Duration::from_secs(args.seconds);
    let mut request = request::Messages::new(&args.path, args.bytes);
    let first = first_number(number);
    let mut tally = Tally::new()?;
    let mut socket = None;
    let mut round = 0u32;
    loop {
        let due = due(&args, number, round, began);
        if due.max(Instant::now()) >= end {
            return Ok(tally);
        }
        tokio::time::sleep_until(due.into()).await;
        let from = args.rate.map_or_else(Instant::now, |_| due);
        let wire = request.numbered(first + u64::from(round));
        if let Err(error) = exchange(&mut socket, &args, wire, from, &mut tally).await {
            if tally.errors == 0 {
                eprintln!("connection {number}: {error:#}");
            }
            tally.errors += 1;
            socket = None;
        }
        round += 1;
    }
}

/// Where a connection begins to number its requests, so that no other of this or an earlier load
/// asks the same.
fn first_number(connection: u32) -> u64 {
    u64::from(std::process::id()) * 1_000_000_000_000 + u64::from(connection) * 1_000_000
}

/// When a connection's next request is due: at once in a closed loop.
fn due(args: &LoadArgs, number: u32, round: u32, began: Instant) -> Instant {
    args.rate.map_or(began, |rate| {
        let slot = f64::from(round) * f64::from(args.connections) + f64::from(number);
        began + Duration::from_secs_f64(slot / rate)
    })
}

async fn exchange(
    socket: &mut Option<(TcpStream, BytesMut)>,
    args: &LoadArgs,
    wire: &[u8],
    from: Instant,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    if socket.is_none() {
        let stream = TcpStream::connect(("127.0.0.1", args.port)).await.context("connecting")?;
        stream.set_nodelay(true)?;
        *socket = Some((stream, BytesMut::with_capacity(64 * 1024)));
    }
    let (stream, buffer) = socket.as_mut().context("just connected")?;
    stream.write_all(wire).await?;
    let seen = answer::read(stream, buffer).await?;
    tally.latency.record(micros(from.elapsed()))?;
    if let Some(first) = seen.first_byte {
        tally.first_byte.record(micros(first.duration_since(from)))?;
    }
    for pair in seen.chunks.windows(2) {
        tally.gap.record(micros(pair[1] - pair[0]))?;
    }
    Ok(())
}

struct Tally {
    errors: u64,
    latency: Histogram<u64>,
    first_byte: Histogram<u64>,
    gap: Histogram<u64>,
}

impl Tally {
    fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new(3)?;
        Ok(Self {
            errors: 0,
            latency: histogram.clone(),
            first_byte: histogram.clone(),
            gap: histogram,
        })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.errors += other.errors;
        self.latency.add(&other.latency)?;
        self.first_byte.add(&other.first_byte)?;
        self.gap.add(&other.gap)?;
        Ok(())
    }
}

pub fn quantiles(histogram: &Histogram<u64>) -> Quantiles {
    Quantiles {
        p50: histogram.value_at_quantile(0.5),
        p99: histogram.value_at_quantile(0.99),
        max: histogram.max(),
    }
}

pub fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}
