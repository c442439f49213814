//! `nexus-scripted`: the stand-ins as a process of their own.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use nexus_contract::SystemClock;
use nexus_scripted::{Anthropic, Gemini, GitHub, OAuth, Server, Slack, Spark};

/// What to stand in for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Anthropic,
    Gemini,
    Github,
    Oauth,
    Slack,
    Spark,
}

/// Serves a stand-in until it is stopped.
#[derive(Debug, Parser)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(default_value_t = 0)]
    port: u16,
    /// What to stand in for.
    #[arg(long, value_enum, default_value = "anthropic")]
    kind: Kind,
    /// Equal seeds give equal ids.
    #[arg(long, default_value = "nexus")]
    seed: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .with_context(|| format!("port {} can't be used", options.port))?;
    let server = match options.kind {
        Kind::Anthropic => {
            Server::start(listener, Anthropic::new(Arc::new(SystemClock), options.seed))
        }
        Kind::Gemini => Server::start(listener, Gemini::default()),
        Kind::Github => Server::start(listener, GitHub::default()),
        Kind::Oauth => Server::start(listener, OAuth::new(8 * 3600)),
        Kind::Slack => Server::start(listener, Slack::default()),
        Kind::Spark => Server::start(listener, Spark::new("spark-key")),
    }?;
    announce(&server.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the caller reads the address from here")]
fn announce(url: &str) {
    println!("{url}");
}
