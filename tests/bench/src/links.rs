//! `nexus-bench links`: whether linking one more exchange takes longer the more are stored.
//!
//! All conversations begin with the same words, which is the worst case: everything that could be told
//! by its history has as many candidates as there are conversations.

use std::{sync::Arc, time::Instant};

use clap::Args;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_linking::{AnswerFacts, Fact, Moment, RequestContext, RequestFacts};
use nexus_messages::{Answer, Identity, Request};
use nexus_store::{Store, StoreConfig};
use serde_json::{Value, json};

/// Stored exchanges, and turns of a conversation, that the larger numbers are compared with.
const FEW: u64 = 1_000;
const SHORT: usize = 100;
const LONG: usize = 10_000;
/// As many as a linker commits at once.
const BATCH: u64 = 128;
/// 2026-11-23T09:00:00Z.
const START: i64 = 1_795_424_400_000;

#[derive(Args)]
pub struct LinksArgs {
    /// An empty store to fill, `sqlite://PATH` or `postgres://…`; without it, SQLite in a temporary folder
    #[arg(long)]
    store: Option<String>,
    /// Exchanges stored at the end
    #[arg(long, default_value_t = 100_000)]
    exchanges: u64,
    /// How often each is linked
    #[arg(long, default_value_t = 100)]
    rounds: u32,
}

pub async fn run(args: &LinksArgs) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let fresh = || format!("sqlite://{}", folder.path().join("links.db").display());
    let url = args.store.clone().unwrap_or_else(fresh);
    let store = nexus_store::open(&StoreConfig::new(url)).await?;
    let mut bench = Bench { store, exchanges: 0, rounds: args.rounds };
    bench.fill(FEW).await?;
    let few = bench.look_ups().await?;
    let (short, long) = (bench.next_turn(SHORT).await?, bench.next_turn(LONG).await?);
    bench.fill(args.exchanges).await?;
    let many = bench.look_ups().await?;
    bench.store.close().await;
    println!("| linked | with {FEW} stored, ms | with {} stored, ms | ratio |", args.exchanges);
    println!("|---|---|---|---|");
    for ((name, few), (_, many)) in few.into_iter().zip(many) {
        print(name, few, many);
    }
    println!("\n| linked | after {SHORT} turns, ms | after {LONG} turns, ms | ratio |");
    println!("|---|---|---|---|");
    print("the next turn of one conversation", short, long);
    Ok(())
}

fn print(name: &str, before: f64, after: f64) {
    println!("| {name} | {before:.2} | {after:.2} | {:.2} |", after / before);
}

/// A store and how much is in it.
struct Bench {
    store: Arc<dyn Store>,
    exchanges: u64,
    rounds: u32,
}

impl Bench {
    /// Adds conversations until that many exchanges are stored.
    async fn fill(&mut self, exchanges: u64) -> anyhow::Result<()> {
        let opening = request(&opening())?;
        while self.exchanges < exchanges {
            let mut facts = Vec::new();
            for _ in 0..BATCH.min(exchanges - self.exchanges) {
                facts.extend(self.exchange(opening.clone())?);
            }
            self.store.link(&facts).await?;
        }
        Ok(())
    }

    /// Medians in milliseconds.
    async fn look_ups(&mut self) -> anyhow::Result<Vec<(&'static str, f64)>> {
        let first = request(&opening())?;
        let named = |number| Some(format!("session-{number}"));
        let turn = request(&after(opening(), "And now?"))?;
        let mut strangers = times()?;
        let mut turns = times()?;
        let mut sessions = times()?;
        for _ in 0..self.rounds {
            strangers.record(self.link(first.clone()).await?)?;
            turns.record(self.link(turn.clone()).await?)?;
            let session = named(self.exchanges);
            self.link(RequestFacts { session: session.clone(), ..first.clone() }).await?;
            sessions.record(self.link(RequestFacts { session, ..turn.clone() }).await?)?;
        }
        Ok(vec![
            ("the first words of a conversation", median(&strangers)),
            ("a second turn without a session", median(&turns)),
            ("a second turn in a session", median(&sessions)),
        ])
    }

    /// The median, in milliseconds, of a turn behind a history of that many.
    async fn next_turn(&mut self, turns: usize) -> anyhow::Result<f64> {
        let mut history = vec![json!({"role": "user", "content": format!("Count to {turns}")})];
        for turn in 1..turns {
            history = after(history, &turn.to_string());
        }
        self.link(request(&history)?).await?;
        let mut taken = times()?;
        // Each of them sends the whole history: fewer tell as much.
        for round in 0..self.rounds.min(20) {
            history = after(history, &format!("once more, {round}"));
            taken.record(self.link(request(&history)?).await?)?;
        }
        Ok(median(&taken))
    }

    /// Links one exchange by itself; the microseconds that it took, its commit included.
    async fn link(&mut self, request: RequestFacts) -> anyhow::Result<u64> {
        let facts = self.exchange(request)?;
        let begun = Instant::now();
        self.store.link(&facts).await?;
        Ok(u64::try_from(begun.elapsed().as_micros())?)
    }

    /// One more exchange, answered.
    fn exchange(&mut self, request: RequestFacts) -> anyhow::Result<[Fact; 2]> {
        self.exchanges += 1;
        let id = ExchangeId::from_external(&format!("bench-{}", self.exchanges));
        let at = Timestamp::from_millisecond(START + i64::try_from(self.exchanges)?)?;
        let request = RequestFacts { moment: Moment::new(at, id), ..request };
        let answer = json!({"type": "message", "content": [{"type": "text", "text": ANSWER}]});
        let answer = AnswerFacts::read(TerminalState::Completed, &Answer::from_message(answer));
        Ok([Fact::Request(id, Box::new(request)), Fact::Answer(id, Box::new(answer))])
    }
}

const ANSWER: &str = "Hello.";

fn opening() -> Vec<Value> {
    vec![json!({"role": "user", "content": "hi"})]
}

/// The history with its answer and what the user says to it.
fn after(mut history: Vec<Value>, says: &str) -> Vec<Value> {
    history.push(json!({"role": "assistant", "content": ANSWER}));
    history.push(json!({"role": "user", "content": says}));
    history
}

/// The facts of a request with that history; its moment is set when it is linked.
fn request(history: &[Value]) -> anyhow::Result<RequestFacts> {
    let body = json!({"model": "m", "messages": history, "tools": [{"name": "Bash"}]}).to_string();
    let request = Request::parse(body.as_bytes())?;
    let context = RequestContext {
        id: ExchangeId::from_external("bench"),
        at: Timestamp::UNIX_EPOCH,
        domain: "bench.example",
        names_session: false,
    };
    Ok(RequestFacts::read(&context, &Identity::default(), &request))
}

fn times() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new(3)?)
}

fn median(times: &Histogram<u64>) -> f64 {
    times.value_at_quantile(0.5) as f64 / 1_000.0
}
