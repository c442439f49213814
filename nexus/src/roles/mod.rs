//! What a process is: a set of roles around shared engines. `nexus up` is the set of all.

mod admin;
mod analysis;
mod banner;
mod consumers;
mod dashboard_config;
mod data_dir;
mod engines;
mod gateway_config;
mod heartbeat;
mod journal;
mod listeners;
mod mcp;
mod no_stream;
mod private;
pub mod process;
mod proxy;
mod retention;
mod salt;
pub mod tasks;

use std::process::ExitCode;

pub use analysis::{analysis_config, fail_exceeded};
pub use banner::url as local_url;
pub use consumers::prices;
pub use data_dir::create as create_data_dir;
pub use engines::{nats_config, open_bus, open_store};
pub use gateway_config::access_config;
pub use private::{Access, PrivateApi};
pub use proxy::outside;
pub use salt::salt;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    cli::DemoArgs,
    demo::Demo,
    settings::Settings,
    telemetry::{logging, metrics},
};

/// One of the parts that a process can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Gateway,
    Linker,
    Storage,
    Analysis,
    Dashboard,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::Gateway, Self::Linker, Self::Storage, Self::Analysis, Self::Dashboard];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Linker => "linker",
            Self::Storage => "storage",
            Self::Analysis => "analysis",
            Self::Dashboard => "dashboard",
        }
    }
}

/// Runs `roles` until a signal or the end of one of them.
pub fn run(settings: Settings, warnings: &[String], roles: &[Role]) -> anyhow::Result<ExitCode> {
    let metrics = observe(&settings, warnings)?;
    actix_rt::System::new().block_on(process::run(settings, roles, metrics, |_| {}))
}

/// `nexus demo`.
pub fn run_demo(
    settings: Settings,
    warnings: &[String],
    args: &DemoArgs,
) -> anyhow::Result<ExitCode> {
    let metrics = observe(&settings, warnings)?;
    actix_rt::System::new().block_on(Demo::run(settings, metrics, args))
}

/// Starts log lines and figures, and says what was odd about the settings.
fn observe(settings: &Settings, warnings: &[String]) -> anyhow::Result<PrometheusHandle> {
    logging::start(settings)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    metrics::start()
}
