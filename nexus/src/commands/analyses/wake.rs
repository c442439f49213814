//! Tells workers that jobs are back in the queue.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use nexus_bus::{Bus, Connecting};
use nexus_contract::{Clock, SystemClock};
use nexus_dashboard::announce_queued;
use nexus_store::analyses::Analysis;
use url::Url;

use super::ACTOR;
use crate::{
    commands::api::Api,
    failure::sentence,
    roles::{local_url, open_bus},
    settings::Settings,
};

/// Time for the process on this machine to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Wakes the workers. The jobs are queued whether or not that succeeds: a warning says that they
/// wait for a worker's next look.
pub async fn workers(jobs: &[Analysis], settings: &Settings) {
    let Some(first) = jobs.first() else { return };
    let told = if settings.nats_url.is_some() {
        over_nats(jobs, settings).await
    } else {
        through_the_api(first, settings).await
    };
    if let Err(error) = told {
        let error = sentence(&error);
        eprintln!("warning: no worker is told, they look for jobs by themselves: {error}");
    }
}

async fn over_nats(jobs: &[Analysis], settings: &Settings) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let Bus { stream, live } = open_bus(settings, ACTOR, Connecting::AtOnce, clock).await?;
    Ok(announce_queued(ACTOR, jobs, now, stream.as_ref(), live.as_ref()).await?)
}

/// The embedded stream belongs to the process that runs on it. Asked for a job that waits already,
/// its API tells its worker; one job is enough, for that worker fills all of its slots.
async fn through_the_api(job: &Analysis, settings: &Settings) -> anyhow::Result<()> {
    let key = settings.dashboard_api_key.as_ref();
    key.context("a running instance takes no request without DASHBOARD_API_KEY")?;
    let url: Url = local_url(settings.dashboard_host, settings.dashboard_port).parse()?;
    let api = Api::remote(&url, settings)?;
    let asked = tokio::time::timeout(TIMEOUT, api.request_analysis(job)).await;
    match asked.with_context(|| format!("{url} does not answer"))? {
        // Nothing runs here: a worker looks when it starts.
        Err(error) if is_nobody_there(&error) => Ok(()),
        asked => asked.map(drop),
    }
}

fn is_nobody_there(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(reqwest::Error::is_connect)
}
