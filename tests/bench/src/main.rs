//! `nexus-bench`: what Nexus costs, beside no proxy and beside nginx, on one machine in one run.
//!
//! `run` starts every process itself, and itself as two of them: `upstream` answers, `load` asks.
//! They are processes of their own so that their CPU time is not counted as the proxy's.
#![expect(clippy::print_stdout, reason = "a command line tool; its output is the result")]
#![expect(clippy::cast_precision_loss, reason = "counts far below 2^52, shown with three digits")]

mod answer;
mod bare;
mod compare;
mod drain;
mod forms;
mod growth;
mod instructions;
mod links;
mod load;
mod meter;
mod plan;
mod ports;
mod reads;
mod report;
mod request;
mod run;
mod scaled;
mod soak;
mod upstream;
mod visible;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures Nexus beside nginx and no proxy")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure all forms and print the table
    Run(run::RunArgs),
    /// Print the ratios of two results
    Compare { before: PathBuf, after: PathBuf },
    /// Measure the data API on a store
    Reads(reads::ReadsArgs),
    /// Measure the linker on a store that it fills
    Links(links::LinksArgs),
    /// Measure what sessions take in a store of each engine
    Growth(growth::GrowthArgs),
    /// Watch memory and open files of `nexus up` under a steady load
    Soak(soak::SoakArgs),
    /// Count the instructions of the code on every exchange's way, and compare them with before
    Instructions(instructions::InstructionsArgs),
    /// One of the pieces of work whose instructions are counted
    Work(instructions::WorkArgs),
    /// The API's stand-in: answers as fast as it can
    Upstream { port: u16 },
    /// A proxy of actix-web and awc that only hands on
    Bare { port: u16, upstream: u16 },
    /// Asks, and prints what it measured as JSON
    Load(load::LoadArgs),
}

fn main() -> anyhow::Result<()> {
    nexus_bus::choose_cryptography();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match Cli::parse().command {
            Command::Run(args) => run::run(&args).await,
            Command::Compare { before, after } => compare::print(&before, &after),
            Command::Reads(args) => reads::run(&args).await,
            Command::Links(args) => links::run(&args).await,
            Command::Growth(args) => growth::run(&args).await,
            Command::Soak(args) => soak::run(&args).await,
            Command::Instructions(args) => instructions::run(&args),
            Command::Work(args) => instructions::work(&args),
            Command::Bare { port, upstream } => bare::serve(port, upstream).await,
            Command::Upstream { port } => upstream::serve(port).await,
            Command::Load(args) => load::run(&args).await,
        }
    })
}
