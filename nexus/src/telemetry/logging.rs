//! Log lines on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::line::CleanLines;
use crate::settings::{LogFormat, Settings};

/// Statements are only logged on demand: their parameters are captured content. What sqlx warns of
/// are slow ones.
const QUIET: &str = "actix_server=warn,sqlx=warn,nexus_store::sql=warn,hyper=warn,h2=warn,\
    rustls=warn,async_nats=warn,tungstenite=warn";

/// Starts logging as `LOG_LEVEL` and `LOG_FORMAT` say.
pub fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = filter(settings).with_context(|| {
        format!("LOG_LEVEL {:?} is neither a level nor a filter", settings.log_level)
    })?;
    let terminal = std::io::stderr().is_terminal();
    let format =
        settings.log_format.unwrap_or(if terminal { LogFormat::Pretty } else { LogFormat::Json });
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Json => registry
            .with(fmt::layer().json().flatten_event(true).with_writer(CleanLines))
            .try_init()?,
        LogFormat::Pretty => registry
            .with(fmt::layer().compact().with_ansi(terminal).with_writer(CleanLines))
            .try_init()?,
    }
    Ok(())
}

fn filter(settings: &Settings) -> anyhow::Result<EnvFilter> {
    let sql = if settings.debug_sql { ",nexus_store::sql=debug" } else { "" };
    let debug = if settings.debug { ",nexus_gateway=debug" } else { "" };
    Ok(EnvFilter::try_new(format!("{QUIET},{}{sql}{debug}", settings.log_level))?)
}
