//! The command line: the commands by derive, one flag per setting from the table.

mod arguments;
mod flags;
mod span;

pub use arguments::{
    AnalysesCommand, Cli, Command, CopyArgs, CredentialsCommand, DeadLettersCommand, DemoArgs,
    ExplainArgs, ExportArgs, ImportArgs, JobArgs, KeysCommand, NatsCommand, PruneArgs, RelinkArgs,
    ShowCommand,
};
pub use flags::{command, parse};
