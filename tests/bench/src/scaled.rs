//! The scaled-out form on one machine: PostgreSQL, nats-server, and one process per role.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use anyhow::{Context, ensure};
use nexus_store::testing::postgres_programs;

use crate::{
    forms::{self, Running},
    ports,
};

pub async fn start(dir: tempfile::TempDir, nexus: &Path, upstream: u16) -> anyhow::Result<Running> {
    let mut children = Vec::new();
    let (database, postgres) = postgres(dir.path()).await?;
    children.push(("postgres", postgres));
    let (nats, server) = nats(dir.path()).await?;
    children.push(("nats", server));
    let (port, api) = (ports::free()?, ports::free()?);
    let settings = [
        ("DATABASE_URL", database),
        ("NATS_URL", nats),
        ("API_KEY_SALT", "bench".to_owned()),
        ("ALLOW_PASSTHROUGH", "true".to_owned()),
        ("PORT", port.to_string()),
        ("DASHBOARD_PORT", api.to_string()),
    ];
    let command = |role| {
        let mut command = forms::role(nexus, role, dir.path(), upstream);
        command.envs(settings.iter().map(|(name, value)| (*name, value)));
        command
    };
    ensure!(command("migrate").status()?.success(), "the schema could not be made");
    for role in ["storage", "linker", "dashboard", "gateway"] {
        let mut command = command(role);
        let admin = ports::free()?;
        command.env("NEXUS_ADMIN_PORT", admin.to_string());
        let mut child = forms::spawn(&mut command, dir.path(), role)?;
        let listens = match role {
            "gateway" => port,
            "dashboard" => api,
            _ => admin,
        };
        let ready = ports::listening(listens, &mut child).await;
        children.push((role, child));
        ready.with_context(|| log(dir.path(), role))?;
    }
    Ok(Running::new(port, Some(api), children, dir))
}

/// A server of its own in the folder, and its URL.
pub async fn postgres(dir: &Path) -> anyhow::Result<(String, Child)> {
    // PostgreSQL runs under a user of its own when the bench runs as root, and must reach its data.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    let home = dir.join("postgres");
    fs::create_dir(&home)?;
    let port = ports::free()?;
    let data = home.join("data");
    if is_root()? {
        ensure!(Command::new("chown").arg("postgres").arg(&home).status()?.success(), "chown");
    }
    let made = as_postgres("initdb")?
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "-D"])
        .arg(&data)
        .output()
        .context("initdb")?;
    ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let mut command = as_postgres("postgres")?;
    command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(&home);
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=256MB"]);
    let mut child = forms::spawn(&mut command, dir, "postgres")?;
    ports::listening(port, &mut child).await?;
    Ok((format!("postgres://postgres@127.0.0.1:{port}/postgres"), child))
}

/// A PostgreSQL program, not as root: it refuses that.
fn as_postgres(program: &str) -> anyhow::Result<Command> {
    let path = postgres_programs().context("PostgreSQL is needed")?.join(program);
    if !is_root()? {
        return Ok(Command::new(path));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
    Ok(command)
}

fn is_root() -> anyhow::Result<bool> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(status.lines().any(|line| line.starts_with("Uid:\t0\t")))
}

async fn nats(dir: &Path) -> anyhow::Result<(String, Child)> {
    let port = ports::free()?;
    let mut command = Command::new(nats_binary());
    command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(dir.join("nats"));
    let mut child = forms::spawn(&mut command, dir, "nats")
        .context("nats-server (run tests/setup, or put it on the path)")?;
    ports::listening(port, &mut child).await?;
    Ok((format!("nats://127.0.0.1:{port}"), child))
}

/// The one that `tests/setup` installs, else the path's.
fn nats_binary() -> PathBuf {
    let installed = Path::new("target/tools/venv/bin/nats-server");
    if installed.exists() { installed.into() } else { "nats-server".into() }
}

fn log(dir: &Path, role: &str) -> String {
    let text = fs::read_to_string(dir.join(format!("{role}.log"))).unwrap_or_default();
    format!("{role} says: {}", text.lines().last().unwrap_or("nothing"))
}
