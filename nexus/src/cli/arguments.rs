//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;
use nexus_store::analyses::JobStatus;

use super::span;

/// Records, links and shows what coding agents send to the Anthropic API.
#[derive(Debug, Parser)]
#[command(name = "nexus", version, about, max_term_width = 100)]
pub struct Cli {
    /// Settings file; `./nexus.toml` is read when it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print data as JSON
    #[arg(long, global = true)]
    pub json: bool,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all roles in one process (the default)
    Up,
    /// Run the gateway
    Gateway,
    /// Run a linker
    Linker,
    /// Run a storage writer
    Storage,
    /// Run an analysis worker
    Analysis,
    /// Run the dashboard and the data API
    Dashboard,
    /// See everything work without an account: scripted upstream and Gemini, a throw-away directory
    Demo(DemoArgs),
    /// Bring the store's schema up to date
    Migrate,
    /// NATS JetStream
    #[command(subcommand)]
    Nats(NatsCommand),
    /// Check settings, upstream, store, event stream, credentials and clock; say what to mend
    Doctor(DoctorArgs),
    /// Client keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Credential files
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// Read exchanges from a JSON Lines file; returns when all is stored and linked
    Import(ImportArgs),
    /// Write exchanges as JSON Lines to standard output
    Export(ExportArgs),
    /// Print one exchange or conversation
    #[command(subcommand)]
    Show(ShowCommand),
    /// Compute all links anew from what is stored
    Relink(RelinkArgs),
    /// Why two exchanges are, or are not, parent and child
    ExplainLink(ExplainArgs),
    /// Copy a conversation into another database
    CopyConversation(CopyArgs),
    /// Analysis jobs
    #[command(subcommand)]
    Analyses(AnalysesCommand),
    /// Events that no consumer could handle
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Remove what is old, or one conversation
    Prune(PruneArgs),
    /// Count the sums of conversations, hours and days anew
    Rebuild,
    /// Compute all costs by the prices of today
    Reprice,
    /// Ask the role on this machine whether it is ready (for container health checks)
    Health,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Fill the store with generated conversations from this seed instead of driving a client
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many conversations to generate
    #[arg(long, default_value_t = 200, requires = "seed")]
    pub conversations: u32,
    /// Keep the data in this directory, or in DATABASE_URL where that is set, and stop when it is
    /// generated
    #[arg(long, requires = "seed", value_name = "DIR")]
    pub into: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum NatsCommand {
    /// Create or update streams and consumers
    Setup,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print each setting, its value and where it comes from
    #[arg(long)]
    pub settings: bool,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a client key
    Generate {
        /// A key that says of itself that it is for tests
        #[arg(long)]
        test: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum CredentialsCommand {
    /// State of every credential file
    Status,
    /// Log in with OAuth and write a domain's credential file
    Login {
        /// Domain the credential is for
        #[arg(long)]
        domain: String,
    },
    /// Refresh OAuth tokens now
    Refresh {
        /// Domain to refresh
        #[arg(required_unless_present = "all")]
        domain: Option<String>,
        /// Refresh every OAuth credential
        #[arg(long)]
        all: bool,
        /// Say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// JSON Lines file; `-` reads standard input
    pub file: PathBuf,
    /// Import through a running instance; its dashboard's URL
    #[arg(long)]
    pub url: Option<url::Url>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["conversation", "domain"])))]
pub struct ExportArgs {
    /// One conversation
    #[arg(long, value_name = "ID")]
    pub conversation: Option<String>,
    /// All exchanges of a domain
    #[arg(long)]
    pub domain: Option<String>,
    /// Exchanges since this time (RFC 3339) or for this long (`7d`)
    #[arg(long, value_parser = span::since, conflicts_with = "conversation")]
    pub since: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub enum ShowCommand {
    /// One exchange
    Exchange {
        /// Its id, or the one that it was imported with
        id: String,
    },
    /// One conversation with its graph
    Conversation {
        /// Its id, or that of any exchange in it
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct RelinkArgs {
    /// Print only changes of this domain
    #[arg(long)]
    pub domain: Option<String>,
    /// Print only changes of exchanges since this time (RFC 3339) or for this long (`7d`)
    #[arg(long, value_parser = span::since)]
    pub since: Option<Timestamp>,
    /// Print what would change
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The exchange that might be the parent
    pub a: String,
    /// The exchange that might be its child
    pub b: String,
}

#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The conversation, or any exchange in it
    #[arg(long, value_name = "ID")]
    pub conversation_id: String,
    /// Database to copy into (`sqlite://…` or `postgres://…`)
    #[arg(long, value_name = "URL")]
    pub dest_db: String,
    /// Say what would be copied
    #[arg(long)]
    pub dry_run: bool,
    /// Copy the raw stream events too
    #[arg(long)]
    pub include_chunks: bool,
    /// Table of the exchanges in the source
    #[arg(long, default_value = "exchanges")]
    pub source_table: String,
    /// Table of the exchanges in the destination
    #[arg(long, default_value = "exchanges")]
    pub dest_table: String,
}

#[derive(Debug, Subcommand)]
pub enum AnalysesCommand {
    /// Jobs, newest first
    List {
        /// Only jobs in this status
        #[arg(long, value_parser = job_status)]
        status: Option<JobStatus>,
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One job with its result and its history
    Show(JobArgs),
    /// Queue a failed job again
    Retry(JobArgs),
    /// Queue jobs again whose worker is gone
    ResetStuck,
    /// Fail jobs that used up their attempts
    FailExceeded,
    /// Check the analysis settings, and Gemini with a small request
    CheckConfig,
}

#[derive(Debug, Args)]
pub struct JobArgs {
    /// The conversation, or any exchange in it
    pub conversation_id: String,
    /// The branch, such as `main`
    pub branch_id: String,
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// Dead letters, newest first
    List {
        /// How many at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Continue behind this one
        #[arg(long)]
        cursor: Option<String>,
    },
    /// One dead letter with its event
    Show {
        /// Its id in the list
        id: String,
    },
    /// Deliver it again
    Requeue {
        /// Its id in the list
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// Deliver all of them again
        #[arg(long)]
        all: bool,
    },
    /// Forget it for good
    Drop {
        /// Its id in the list
        id: String,
    },
}

#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Age, such as `30d`
    #[arg(long, value_name = "AGE", value_parser = span::before)]
    #[arg(required_unless_present = "conversation")]
    pub older_than: Option<Timestamp>,
    /// Erase this conversation, or that of an exchange in it, with every trace
    #[arg(long, value_name = "ID", conflicts_with_all = ["older_than", "payloads_only"])]
    pub conversation: Option<String>,
    /// Remove bodies, keep rows and usage
    #[arg(long)]
    pub payloads_only: bool,
    /// Say what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

fn job_status(name: &str) -> Result<JobStatus, &'static str> {
    JobStatus::parse(name).ok_or("it is pending, processing, completed or failed")
}
