//! How long after an answer's last byte its exchange is in the data API, with its conversation.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use bytes::BytesMut;
use hdrhistogram::Histogram;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::{
    answer,
    forms::{self, Form},
    load,
    plan::JSON,
    report::Visible,
    request,
};

/// Exchanges a second.
const RATE: u64 = 50;
/// Size of a request's body.
const BYTES: usize = 2_000;
/// How often the API is asked for one exchange.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn measure(
    form: Form,
    nexus: &Path,
    upstream: u16,
    seconds: u64,
) -> anyhow::Result<Visible> {
    eprintln!("visible: {}", form.name());
    let running = forms::start(form, nexus, upstream).await?;
    let api = running.api.context("a form that captures has an API")?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..seconds * RATE {
        let due = began + Duration::from_secs(1) * u32::try_from(number)? / u32::try_from(RATE)?;
        tasks.spawn(one(client.clone(), running.port, api, number, due));
    }
    let mut taken = Histogram::new(3)?;
    while let Some(after) = tasks.join_next().await {
        taken.record(load::micros(after??))?;
    }
    Ok(Visible { form: form.name().to_owned(), after: load::quantiles(&taken) })
}

/// One exchange; the time from its last byte until the API has it.
async fn one(
    client: reqwest::Client,
    port: u16,
    api: u16,
    number: u64,
    due: Instant,
) -> anyhow::Result<Duration> {
    tokio::time::sleep_until(due.into()).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.context("connecting")?;
    stream.write_all(request::Messages::new(JSON, BYTES).numbered(number)).await?;
    let seen = answer::read(&mut stream, &mut BytesMut::new()).await?;
    let ended = Instant::now();
    let id = request::field(&seen.head, "x-nexus-request-id").context("the exchange has no id")?;
    let url = format!("http://127.0.0.1:{api}/api/requests/{id}");
    while !is_linked(&client, &url).await? {
        ensure!(ended.elapsed() < PATIENCE, "{id} is not visible after {PATIENCE:?}");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(ended.elapsed())
}

async fn is_linked(client: &reqwest::Client, url: &str) -> anyhow::Result<bool> {
    let answer = client.get(url).header("x-dashboard-key", "bench").send().await?;
    if answer.status() == StatusCode::NOT_FOUND {
        return Ok(false);
    }
    let found: Value = answer.error_for_status()?.json().await?;
    Ok(!found["conversationId"].is_null())
}
