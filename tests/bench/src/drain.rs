//! The whole pipeline: how long until everything that passed is stored and linked.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    forms::{self, Form},
    meter,
    plan::{CASES, Length},
    report::Drain,
    run,
};

/// Longest wait for the backlog.
const PATIENCE: Duration = Duration::from_mins(10);

pub async fn measure(
    form: Form,
    length: Length,
    nexus: &Path,
    upstream: u16,
) -> anyhow::Result<Vec<Drain>> {
    let mut drains = Vec::new();
    for case in CASES.iter().filter(|case| case.name.ends_with("64 connections")) {
        eprintln!("drain: {} – {}", case.name, form.name());
        let running = forms::start(form, nexus, upstream).await?;
        let api = running.api.context("a form that captures has an API")?;
        let before = meter::read(&running.pids()).cpu_seconds;
        let began = Instant::now();
        let measured = run::load(running.port, case, length.seconds.min(5)).await?;
        wait(api, measured.requests).await?;
        let seconds = began.elapsed().as_secs_f64();
        let cpu = meter::read(&running.pids()).cpu_seconds - before;
        drains.push(Drain {
            form: form.name().to_owned(),
            case: case.name.to_owned(),
            exchanges: measured.requests,
            seconds,
            per_second: measured.requests as f64 / seconds,
            cpu_ms_per_exchange: cpu * 1_000.0 / measured.requests as f64,
        });
    }
    Ok(drains)
}

/// Until as many requests are counted and no consumer lags.
async fn wait(api: u16, requests: u64) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let get = async |path: &str| -> anyhow::Result<Value> {
        let url = format!("http://127.0.0.1:{api}/api/{path}");
        let answer = client.get(url).header("x-dashboard-key", "bench").send().await?;
        Ok(answer.error_for_status()?.json().await?)
    };
    let began = Instant::now();
    loop {
        let stored = get("stats").await?["totalRequests"].as_u64().unwrap_or(0);
        // The pipeline's figures cost the store more than a count, and would be measured too.
        if stored >= requests && is_idle(&get("pipeline").await?)? {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{stored} of {requests} stored after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Whether no consumer lags.
fn is_idle(pipeline: &Value) -> anyhow::Result<bool> {
    let consumers = pipeline["stream"]["consumers"].as_array().context("consumers")?;
    Ok(consumers.iter().all(|consumer| consumer["lag"] == 0 && consumer["unsettled"] == 0))
}
