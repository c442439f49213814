//! `nexus-scripted`: the stand-ins as a process of their own.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use nexus_contract::SystemClock;
use nexus_scripted::{Anthropic, Server};

/// Serves a stand-in until it is stopped.
#[derive(Debug, Parser)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one and prints it.
    #[arg(default_value_t = 0)]
    port: u16,
    /// Equal seeds give equal ids.
    #[arg(long, default_value = "nexus")]
    seed: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .with_context(|| format!("port {} can't be used", options.port))?;
    let service = Anthropic::new(Arc::new(SystemClock), options.seed);
    let server = Server::start(listener, service)?;
    announce(&server.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the caller reads the address from here")]
fn announce(url: &str) {
    println!("{url}");
}
