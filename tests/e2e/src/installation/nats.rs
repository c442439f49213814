//! NATS from `deploy/nats/nats.conf`, alone or as a cluster.

use std::{path::Path, process::Command};

use anyhow::ensure;
use rustix::process::Signal;

use super::daemon::Daemon;
use crate::{paths, ports};

/// Where one node listens.
#[derive(Debug, Clone, Copy)]
pub struct NatsPorts {
    pub clients: u16,
    pub monitoring: u16,
    pub routes: u16,
}

impl NatsPorts {
    pub fn free() -> Self {
        let [clients, monitoring, routes] = ports::free();
        Self { clients, monitoring, routes }
    }
}

/// Starts the node `name`. `routes` are the arguments that name the others; a node without any is
/// no cluster, so the file's part about it is left out.
pub async fn start(
    dir: &Path,
    name: &str,
    ports: NatsPorts,
    routes: Vec<String>,
    password: &str,
) -> anyhow::Result<Daemon> {
    let home = dir.join(name);
    std::fs::create_dir(&home)?;
    let file = home.join("nats.conf");
    std::fs::write(&file, configuration(&home, ports, routes.is_empty())?)?;
    let environment = [("NATS_NODE", name.to_owned()), ("NATS_PASSWORD", password.to_owned())];
    let command = move || {
        let mut command = Command::new(paths::python_tool("nats-server"));
        command.arg("-c").arg(&file).args(&routes).envs(environment.clone());
        command
    };
    Daemon::start(name, dir, ports.clients, Signal::TERM, command).await
}

/// The shipped file with this machine's ports and places.
fn configuration(home: &Path, ports: NatsPorts, alone: bool) -> anyhow::Result<String> {
    let shipped = std::fs::read_to_string(paths::deploy("nats/nats.conf"))?;
    let mut text = replaced(
        shipped,
        &[
            ("port: 4222", &format!("listen: \"127.0.0.1:{}\"", ports.clients)),
            ("http: 8222", &format!("http: \"127.0.0.1:{}\"", ports.monitoring)),
            ("store_dir: /data", &format!("store_dir: \"{}\"", home.join("data").display())),
            ("port: 6222", &format!("listen: \"127.0.0.1:{}\"", ports.routes)),
        ],
    )?;
    if alone {
        let start = text.find("cluster {").unwrap_or(text.len());
        let end = text[start..].find("\n}\n").map_or(text.len(), |end| start + end + 3);
        text.replace_range(start..end, "");
    }
    Ok(text)
}

/// Each text once for another; one that isn't there is a change that the test has to follow.
pub fn replaced(mut text: String, pairs: &[(&str, &str)]) -> anyhow::Result<String> {
    for (old, new) in pairs {
        ensure!(text.contains(old), "{old:?} is not in the shipped file any more");
        text = text.replace(old, new);
    }
    Ok(text)
}
