//! `nexus demo`: everything at work without an account. The stand-ins for Anthropic and Gemini run in
//! this process, and a small client uses the gateway like a few people at once.

mod agent;
mod analyses;
mod generated;
mod prompts;
mod scene;
mod tools;

use std::{process::ExitCode, sync::Arc, time::Duration};

use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use nexus_contract::{Clock, SystemClock};
use nexus_scripted::{Anthropic, Gemini, Server};
use tokio_util::sync::CancellationToken;

use self::{agent::Agent, scene::Scene};
use crate::{
    cli::DemoArgs,
    roles::{Role, process},
    settings::Settings,
};

/// Pause between two rounds of the client.
const ROUND: Duration = Duration::from_secs(20);

/// The stand-ins and where the data goes; dropped with the demo.
pub struct Demo {
    upstream: Server,
    gemini: Server,
    dir: tempfile::TempDir,
}

impl Demo {
    /// Starts the stand-ins and makes a directory that is thrown away at the end.
    fn prepare() -> anyhow::Result<Self> {
        Ok(Self {
            upstream: Server::local(Anthropic::new(Arc::new(SystemClock), "demo"))?,
            gemini: Server::local(Gemini::default())?,
            dir: tempfile::Builder::new().prefix("nexus-demo-").tempdir()?,
        })
    }

    /// Points the settings at the stand-ins and at the directory, which gets a few prompts.
    fn adapt(&self, settings: &mut Settings) -> anyhow::Result<()> {
        settings.upstream = self.upstream.url().parse()?;
        settings.gemini_url = format!("{}/v1beta/models", self.gemini.url()).parse()?;
        settings.gemini_key = Some("demo".into());
        settings.ai_enabled = true;
        settings.data_dir = self.dir.path().join("data");
        settings.credentials_dir = self.dir.path().join("credentials");
        settings.database_url = None;
        settings.nats_url = None;
        settings.allow_passthrough = Some(true);
        settings.mcp_enabled = true;
        settings.mcp_prompts_dir = self.dir.path().join("prompts");
        settings.mcp_github_owner = None;
        settings.mcp_github_repo = None;
        prompts::write(&settings.mcp_prompts_dir)?;
        Ok(())
    }

    /// Runs everything until a signal.
    pub async fn run(
        mut settings: Settings,
        metrics: PrometheusHandle,
        args: &DemoArgs,
    ) -> anyhow::Result<ExitCode> {
        let demo = Arc::new(Self::prepare()?);
        let database = settings.database_url.take();
        demo.adapt(&mut settings)?;
        if args.into.is_some() {
            settings.database_url = database;
        }
        if args.seed.is_some() {
            return Box::pin(demo.generated(settings, metrics, args)).await;
        }
        let base = format!("http://127.0.0.1:{}", settings.port);
        process::run(settings, &Role::ALL, metrics, |front| {
            let stop = front.stop.clone();
            let driven = Arc::clone(&demo);
            front.spawn("demo's client", async move { driven.drive(base, stop).await });
        })
        .await
    }

    /// Fills a store, then shows it; with `--into` it is only filled, and kept.
    async fn generated(
        &self,
        mut settings: Settings,
        metrics: PrometheusHandle,
        args: &DemoArgs,
    ) -> anyhow::Result<ExitCode> {
        if let Some(dir) = &args.into {
            settings.data_dir.clone_from(dir);
        }
        generated::fill(&settings, args, SystemClock.now()).await?;
        match args.into {
            Some(_) => Ok(ExitCode::SUCCESS),
            None => process::run(settings, &Role::ALL, metrics, |_| {}).await,
        }
    }

    /// Works until `stop`: all scenes at once, a pause, again.
    async fn drive(&self, base: String, stop: CancellationToken) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let scenes = scene::all()?;
        stop.run_until_cancelled(async {
            loop {
                round(&http, &base, &scenes).await;
                tokio::time::sleep(ROUND).await;
            }
        })
        .await;
        Ok(())
    }
}

async fn round(http: &reqwest::Client, base: &str, scenes: &[Scene]) {
    let played = scenes.iter().enumerate().map(async |(number, scene)| {
        tokio::time::sleep(Duration::from_secs(2) * u32::try_from(number).unwrap_or(0)).await;
        Agent::new(http.clone(), base.to_owned(), scene.clone()).play().await
    });
    for error in join_all(played).await.into_iter().filter_map(Result::err) {
        tracing::warn!(error = format!("{error:#}"), "a session of the demo broke off");
    }
}
