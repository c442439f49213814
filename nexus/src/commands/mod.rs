//! From the command line to what it does.

mod credentials;
mod dead_letters;
pub mod doctor;
mod health;
mod keys;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc};

use nexus_contract::SystemClock;
use nexus_store::Health;
use serde::Serialize;

use crate::{
    cli::{Cli, Command},
    failure::WrongUsage,
    output::Output,
    roles::{self, Role, open_store, open_stream},
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
        Command::Credentials(command) => credentials::run(command, &loaded.settings, output).await,
        Command::DeadLetters(command) => {
            let (stream, _) = open_stream(&loaded.settings, Arc::new(SystemClock)).await?;
            dead_letters::run(command, stream.as_ref(), output).await?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(WrongUsage::new("this command is not there yet").into()),
    }
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
