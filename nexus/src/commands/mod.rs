//! From the command line to what it does.

mod credentials;
mod dead_letters;
pub mod doctor;
mod health;
mod keys;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};

use nexus_bus::JetStream;
use nexus_contract::SystemClock;
use nexus_store::Health;
use serde::Serialize;

use crate::{
    cli::{Cli, Command, NatsCommand},
    failure::WrongUsage,
    output::Output,
    roles::{self, Role, nats_config, open_bus, open_store},
    settings::{Inputs, Resolved, Settings, environment, resolve},
};

/// Runs the command. `flags` are the settings that were given as flags.
pub fn run(cli: Cli, flags: BTreeMap<String, String>) -> anyhow::Result<ExitCode> {
    let output = Output::new(cli.json);
    match cli.command.unwrap_or(Command::Up) {
        Command::Keys(command) => keys::run(&command, output)?,
        Command::Completions { shell } => completions(shell)?,
        command => return with_settings(command, output, load(cli.config, flags)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings and where each came from.
struct Loaded {
    resolved: Resolved,
    settings: Settings,
}

fn load(config: Option<PathBuf>, flags: BTreeMap<String, String>) -> anyhow::Result<Loaded> {
    let file = config.or_else(|| Some(PathBuf::from("nexus.toml")).filter(|path| path.exists()));
    let environment = environment::read().map_err(WrongUsage::all)?;
    let resolved = resolve(&Inputs { flags, environment, file }).map_err(WrongUsage::all)?;
    let settings = Settings::from_resolved(&resolved).map_err(WrongUsage::all)?;
    Ok(Loaded { resolved, settings })
}

fn with_settings(command: Command, output: Output, loaded: Loaded) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up => serve(loaded, &Role::ALL),
        Command::Gateway => serve(loaded, &[Role::Gateway]),
        Command::Linker => serve(loaded, &[Role::Linker]),
        Command::Storage => serve(loaded, &[Role::Storage]),
        Command::Analysis => serve(loaded, &[Role::Analysis]),
        Command::Dashboard => serve(loaded, &[Role::Dashboard]),
        Command::Demo(_) => roles::run_demo(loaded.settings, &loaded.resolved.warnings),
        command => actix_rt::System::new().block_on(admin(command, output, &loaded)),
    }
}

fn serve(loaded: Loaded, roles: &[Role]) -> anyhow::Result<ExitCode> {
    roles::run(loaded.settings, &loaded.resolved.warnings, roles)
}

/// Commands that do one thing and end.
async fn admin(command: Command, output: Output, loaded: &Loaded) -> anyhow::Result<ExitCode> {
    match command {
        Command::Health => health::run(&loaded.settings).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) if args.settings => doctor::settings(&loaded.resolved, output),
        Command::Doctor(_) => doctor::run(loaded, output).await,
        Command::Migrate => {
            open_store(&loaded.settings, true).await?.close().await;
            output.print(&Migrated { schema: "current" }, |_| "the schema is up to date".into())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Nats(NatsCommand::Setup) => nats_setup(&loaded.settings, output).await,
        Command::Credentials(command) => credentials::run(command, &loaded.settings, output).await,
        Command::DeadLetters(command) => {
            let bus =
                open_bus(&loaded.settings, "nexus dead-letters", Arc::new(SystemClock)).await?;
            dead_letters::run(command, bus.stream.as_ref(), output).await?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(WrongUsage::new("this command is not there yet").into()),
    }
}

async fn nats_setup(settings: &Settings, output: Output) -> anyhow::Result<ExitCode> {
    let config = nats_config(settings, "nexus nats setup")
        .ok_or_else(|| WrongUsage::new("NATS_URL is not set, so there is nothing to set up"))?;
    JetStream::open(config).await?.setup().await?;
    output.print(&SetUp { streams: "current" }, |_| "streams and consumers are there".into())?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct SetUp {
    streams: &'static str,
}

#[derive(Serialize)]
struct Migrated {
    schema: &'static str,
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "nexus", &mut script);
    crate::output::write(&script)
}
