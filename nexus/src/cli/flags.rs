//! One flag per setting, on every command: `PORT` is `--port`, `NEXUS_DATA_DIR` is `--data-dir`.
//! Secrets have none, because arguments can be read in the process list.

use std::{collections::BTreeMap, ffi::OsString};

use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};

use super::arguments::Cli;
use crate::settings::{Definition, TABLE};

/// Flags that are worth showing in `--help`; the others are there, and in the documentation.
const SHOWN: [&str; 6] =
    ["PORT", "HOST", "DASHBOARD_PORT", "NEXUS_DATA_DIR", "CLAUDE_API_BASE_URL", "LOG_LEVEL"];

/// The whole command line's description.
pub fn command() -> clap::Command {
    TABLE
        .iter()
        .filter(|definition| !definition.secret)
        .fold(Cli::command(), |command, definition| command.arg(flag(definition)))
}

/// The command and the settings given as flags.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<(Cli, BTreeMap<String, String>), clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let mut settings = BTreeMap::new();
    collect(&matches, &mut settings);
    Ok((Cli::from_arg_matches(&matches)?, settings))
}

fn flag(definition: &'static Definition) -> Arg {
    Arg::new(definition.name)
        .long(definition.flag())
        .value_name("VALUE")
        .help(definition.meaning)
        .global(true)
        .help_heading("Settings")
        .hide(!SHOWN.contains(&definition.name))
}

/// Flags may stand before or behind the command's name; the innermost one counts.
fn collect(matches: &ArgMatches, settings: &mut BTreeMap<String, String>) {
    for definition in TABLE.iter().filter(|definition| !definition.secret) {
        if let Ok(Some(value)) = matches.try_get_one::<String>(definition.name) {
            settings.insert(definition.name.to_owned(), value.clone());
        }
    }
    if let Some((_, inner)) = matches.subcommand() {
        collect(inner, settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> impl Iterator<Item = OsString> {
        line.split(' ').map(Into::into).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn the_description_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn explained(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{name}: {}", argument.get_id());
            }
            command.get_subcommands().for_each(explained);
        }
        explained(&command());
    }

    #[test]
    fn flags_are_taken_before_and_behind_the_command() {
        let (_, settings) = parse(words("nexus --port 4000 up --data-dir /d")).expect("valid");
        assert_eq!(settings["PORT"], "4000");
        assert_eq!(settings["NEXUS_DATA_DIR"], "/d");
        assert!(parse(words("nexus up --dashboard-api-key k")).is_err(), "secrets have no flag");
    }
}
