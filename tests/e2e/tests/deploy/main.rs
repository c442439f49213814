//! The files of `deploy`, read by the tools that will read them, and held against what they name.

mod alerts;
mod cli;
mod compose;
mod kubernetes;
mod tool;

use std::process::Command;

use nexus_e2e::paths::{deploy, python_tool};
use tempfile::TempDir;
use tool::{assert_valid, read, write};

#[test]
fn nginx_takes_its_configuration() {
    let dir = TempDir::new().expect("a folder");
    // Names of other containers are known only beside them.
    let servers = read("nginx/nexus.conf").replace("gateway-1", "127.0.0.1");
    let servers = servers.replace("gateway-2", "127.0.0.2");
    let home = dir.path().display();
    let whole = format!(
        "pid {home}/pid; error_log {home}/log; events {{}} http {{ client_body_temp_path {home}/b;\n\
         proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u;\n\
         scgi_temp_path {home}/s; {servers} }}"
    );
    let file = write(&dir, "nginx.conf", &whole);
    assert_valid(Command::new("nginx").arg("-t").arg("-p").arg(dir.path()).arg("-c").arg(file));
}

#[test]
fn nats_takes_its_configuration() {
    let server = python_tool("nats-server");
    let mut command = Command::new(server);
    command.arg("-t").arg("-c").arg(deploy("nats/nats.conf"));
    assert_valid(command.env("NATS_NODE", "nats-1").env("NATS_PASSWORD", "x"));
}
