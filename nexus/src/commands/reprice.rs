//! `nexus reprice`: all costs by the prices of today.

use nexus_storage::pricing;
use nexus_store::{Store, exchanges::Repriced};
use tokio_util::sync::CancellationToken;

use crate::{output::Output, roles::prices, settings::Settings};

pub async fn run(store: &dyn Store, settings: &Settings, output: Output) -> anyhow::Result<()> {
    let (prices, stop) = (prices(settings)?, CancellationToken::new());
    let repriced = pricing::reprice(store, &prices, &stop).await?.unwrap_or_default();
    output.print(&repriced, |Repriced { exchanges, changed }| {
        format!("looked at {exchanges} exchanges; {changed} cost something else now")
    })
}
