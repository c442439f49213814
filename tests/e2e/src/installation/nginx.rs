//! nginx with `deploy/nginx/nexus.conf` in front of the gateways.

use std::{path::Path, process::Command};

use rustix::process::Signal;

use super::{daemon::Daemon, nats::replaced};
use crate::{paths, ports};

/// Starts it on a free port.
pub async fn start(dir: &Path, gateways: &[(String, u16)]) -> anyhow::Result<Daemon> {
    let [port] = ports::free();
    let home = dir.join("nginx");
    std::fs::create_dir(&home)?;
    let file = home.join("nginx.conf");
    std::fs::write(&file, configuration(&home, port, gateways)?)?;
    let command = move || {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&home).arg("-c").arg(&file);
        command
    };
    Daemon::start("nginx", dir, port, Signal::TERM, command).await
}

/// The shipped part, in the frame that the image's `nginx.conf` gives it.
fn configuration(home: &Path, port: u16, gateways: &[(String, u16)]) -> anyhow::Result<String> {
    let shipped = std::fs::read_to_string(paths::deploy("nginx/nexus.conf"))?;
    let mut pairs = vec![("listen 8080;".to_owned(), format!("listen 127.0.0.1:{port};"))];
    for (name, port) in gateways {
        pairs.push((format!("server {name}:3000"), format!("server 127.0.0.1:{port}")));
    }
    let pairs: Vec<_> = pairs.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect();
    let shipped = replaced(shipped, &pairs)?;
    let home = home.display();
    Ok(format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;\n\
         fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
         {shipped}\n}}\n"
    ))
}
