//! The `nexus` command: the only place that knows which engines run, reads the environment, and
//! chooses what a process is.

mod cli;
mod commands;
mod demo;
mod failure;
mod lifecycle;
mod output;
mod roles;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::error::ErrorKind;

/// Under load glibc's holds much more than is in use (docs/performance.md, "Where the memory is").
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    nexus_bus::choose_cryptography();
    let (cli, flags) = match cli::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    match commands::run(cli, flags) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

/// Prints clap's message; help and version are no failures.
fn usage(error: &clap::Error) -> ExitCode {
    let shown = error.print().is_ok();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if shown => ExitCode::SUCCESS,
        _ => ExitCode::from(failure::WRONG_USAGE),
    }
}
