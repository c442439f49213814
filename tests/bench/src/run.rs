//! One run: every form under every load, then the drains.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;

use crate::{
    drain,
    forms::{self, Form, Running},
    load::Measured,
    meter,
    plan::{CASES, Case, Length},
    ports,
    report::{Machine, Report, Row},
    visible,
};

#[derive(Args)]
pub struct RunArgs {
    /// Shorter loads, one round each
    #[arg(long)]
    quick: bool,
    /// Where the result goes as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only forms whose name contains this
    #[arg(long)]
    form: Option<String>,
    /// Only loads whose name contains this
    #[arg(long)]
    case: Option<String>,
}

pub async fn run(args: &RunArgs) -> anyhow::Result<()> {
    let nexus = forms::nexus_binary()?;
    let length = if args.quick { Length::QUICK } else { Length::LONG };
    let upstream = Upstream::start().await?;
    let mut report = Report {
        machine: machine()?,
        rows: Vec::new(),
        drains: Vec::new(),
        visible: Vec::new(),
        disk_mb_per_second: disk_rate()?,
        cold_start_ms: cold_start(&nexus, upstream.port).await?,
        binary_mb: fs::metadata(&nexus)?.len() as f64 / 1e6,
    };
    let wanted = |filter: &Option<String>, name: &str| {
        filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    };
    for case in CASES.iter().filter(|case| wanted(&args.case, case.name)) {
        for form in Form::ALL.iter().filter(|form| wanted(&args.form, form.name())) {
            eprintln!("{} – {}", case.name, form.name());
            report.rows.push(measure(*form, case, length, &nexus, upstream.port).await?);
        }
    }
    for form in Form::ALL.into_iter().filter(|form| form.stores()) {
        if wanted(&args.form, form.name()) && args.case.is_none() {
            report.drains.extend(drain::measure(form, length, &nexus, upstream.port).await?);
            let visible = visible::measure(form, &nexus, upstream.port, length.seconds).await?;
            report.visible.push(visible);
        }
    }
    println!("{}", report.table());
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

/// The round with the median rate; a fresh start of the form for each.
async fn measure(
    form: Form,
    case: &Case,
    length: Length,
    nexus: &Path,
    upstream: u16,
) -> anyhow::Result<Row> {
    let mut rounds = Vec::new();
    for _ in 0..length.rounds {
        let running = forms::start(form, nexus, upstream).await?;
        load(running.port, case, length.warm_up_seconds).await?;
        rounds.push(round(form, case, length, &running).await?);
    }
    rounds.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    Ok(rounds.swap_remove(rounds.len() / 2))
}

async fn round(form: Form, case: &Case, length: Length, running: &Running) -> anyhow::Result<Row> {
    let gateway: Vec<u32> =
        running.pid_of("gateway").or(running.pid_of("nginx")).into_iter().collect();
    let (all, alone) = (meter::read(&running.pids()), meter::read(&gateway));
    let measured = load(running.port, case, length.seconds).await?;
    let (all_after, alone_after) = (meter::read(&running.pids()), meter::read(&gateway));
    let per_request = |before: meter::Usage, after: meter::Usage| {
        (after.cpu_seconds - before.cpu_seconds) * 1_000.0 / measured.requests.max(1) as f64
    };
    Ok(Row {
        form: form.name().to_owned(),
        case: case.name.to_owned(),
        cpu_ms: per_request(all, all_after),
        gateway_cpu_ms: per_request(alone, alone_after),
        rss_mb: alone_after.rss_bytes as f64 / 1e6,
        open_files: alone_after.open_files,
        measured,
    })
}

/// Runs the load in a process of its own.
pub async fn load(port: u16, case: &Case, seconds: u64) -> anyhow::Result<Measured> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command
        .args(["load", "--port", &port.to_string(), "--path", case.path])
        .args(["--bytes", &case.bytes.to_string(), "--seconds", &seconds.to_string()])
        .args(["--connections", &case.connections.to_string()]);
    if let Some(rate) = case.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    let output = command.stderr(Stdio::inherit()).output().await?;
    ensure!(output.status.success(), "the load ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the load's result")
}

/// The stand-in, as a process of its own.
pub struct Upstream {
    child: std::process::Child,
    pub port: u16,
}

impl Upstream {
    pub async fn start() -> anyhow::Result<Self> {
        let port = ports::free()?;
        let mut child =
            Command::new(std::env::current_exe()?).args(["upstream", &port.to_string()]).spawn()?;
        ports::listening(port, &mut child).await?;
        Ok(Self { child, port })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            eprintln!("the upstream could not be stopped");
        }
    }
}

fn machine() -> anyhow::Result<Machine> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kilobytes = memory.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok());
    Ok(Machine {
        cpus: std::thread::available_parallelism()?.get(),
        memory_mb: kilobytes.unwrap_or(0) / 1024,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
    })
}

/// What the journal could reach at most: 100 KB writes, a sync every 25 ms, for two seconds.
fn disk_rate() -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(".")?;
    let block = vec![7u8; 100_000];
    let (began, mut synced, mut bytes) = (Instant::now(), Instant::now(), 0usize);
    while began.elapsed() < Duration::from_secs(2) {
        file.write_all(&block)?;
        bytes += block.len();
        if synced.elapsed() > Duration::from_millis(25) {
            file.sync_data()?;
            synced = Instant::now();
        }
    }
    file.sync_data()?;
    Ok(bytes as f64 / 1e6 / began.elapsed().as_secs_f64())
}

async fn cold_start(nexus: &Path, upstream: u16) -> anyhow::Result<u64> {
    let began = Instant::now();
    let running = forms::start(Form::Up, nexus, upstream).await?;
    let millis = u64::try_from(began.elapsed().as_millis())?;
    drop(running);
    Ok(millis)
}
