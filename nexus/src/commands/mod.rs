//! From the command line to what it does.

mod analyses;
mod api;
mod copy;
mod credentials;
mod dead_letters;
pub mod doctor;
mod explain_link;
mod export;
mod health;
mod import;
mod keys;
mod nats;
mod prune;
mod rebuild;
mod relink;
mod reprice;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use serde::Serialize;

use crate::{
    cli::{AnalysesCommand, Cli, Command, NatsCommand, ShowCommand},
    failure::WrongUsage,
    output::Output,
    roles::{self, Role, open_store},
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
pub struct Loaded {
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
        Command::Demo(args) => roles::run_demo(loaded.settings, &loaded.resolved.warnings, &args),
        command => actix_rt::System::new().block_on(admin(command, output, &loaded)),
    }
}

fn serve(loaded: Loaded, roles: &[Role]) -> anyhow::Result<ExitCode> {
    roles::run(loaded.settings, &loaded.resolved.warnings, roles)
}

/// Commands that do one thing and end.
async fn admin(command: Command, output: Output, loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let settings = &loaded.settings;
    match command {
        Command::Doctor(args) if args.settings => doctor::settings(&loaded.resolved, output),
        Command::Doctor(_) => doctor::run(loaded, output).await,
        Command::Credentials(command) => credentials::run(command, settings, output).await,
        command => Box::pin(act(command, output, settings)).await.map(|()| ExitCode::SUCCESS),
    }
}

/// Commands that either work or fail.
async fn act(command: Command, output: Output, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Health => health::run(settings).await,
        Command::Nats(NatsCommand::Setup) => nats::setup(settings, output).await,
        Command::Import(args) => import::run(&args, settings, output).await,
        Command::Show(ShowCommand::Exchange { id }) => {
            api::show(settings, &format!("requests/{}", escaped(&id)), output).await
        }
        Command::Show(ShowCommand::Conversation { id }) => {
            api::show(settings, &format!("conversations/{}", escaped(&id)), output).await
        }
        Command::DeadLetters(command) => {
            let bus = dead_letters::open(settings).await?;
            dead_letters::run(command, bus.stream.as_ref(), output).await
        }
        Command::Analyses(AnalysesCommand::CheckConfig) => {
            analyses::check::run(settings, output).await
        }
        command => with_store(command, output, settings).await,
    }
}

/// Commands on the store.
async fn with_store(command: Command, output: Output, settings: &Settings) -> anyhow::Result<()> {
    let store = open_store(settings, matches!(command, Command::Migrate)).await?;
    let done = match command {
        Command::Migrate => {
            output.print(&Schema { schema: "current" }, |_| "the schema is up to date".into())
        }
        Command::CopyConversation(args) => copy::run(&args, store.as_ref(), settings, output).await,
        Command::ExplainLink(args) => explain_link::run(&args, store.as_ref(), output).await,
        Command::Relink(args) => relink::run(&args, store.as_ref(), output).await,
        Command::Analyses(command) => analyses::run(command, &store, settings, output).await,
        Command::Export(args) => export::run(&args, store.as_ref()).await,
        Command::Prune(args) => prune::run(&args, store.as_ref(), settings, output).await,
        Command::Rebuild => rebuild::run(store.as_ref(), output).await,
        Command::Reprice => reprice::run(store.as_ref(), settings, output).await,
        other => unreachable!("{other:?} was taken before the store was opened"),
    };
    store.close().await;
    done
}

/// An id as one segment of a path.
fn escaped(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}

#[derive(Serialize)]
struct Schema {
    schema: &'static str,
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "nexus", &mut script);
    crate::output::write(&script)
}
