//! One process: bind, open, start the parts, run, stop.

use std::{
    process::ExitCode,
    sync::{Arc, Weak},
    time::Duration,
};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use nexus_bus::Connecting;
use nexus_contract::IdSource;
use nexus_dashboard::Dashboard;
use nexus_gateway::{Gateway, GatewayConfig, GatewayDeps};
use nexus_journal::Journal;

use crate::{
    lifecycle, output,
    roles::{
        Role,
        admin::{self, Admin},
        banner, consumers,
        dashboard_config::dashboard_config,
        engines::Engines,
        gateway_config::gateway_config,
        heartbeat::Heart,
        journal,
        listeners::Listeners,
        mcp,
        salt::salt,
        tasks::{self, Group},
    },
    settings::Settings,
    telemetry::metrics,
};

/// How often the stream is asked for its figures.
const FIGURES: Duration = Duration::from_secs(10);

/// What the parts of a process share.
pub struct Process {
    settings: Settings,
    instance: String,
    engines: Engines,
    metrics: PrometheusHandle,
    front: Group,
    back: Group,
}

/// Runs `roles` until a signal, or until one of them ends by itself, which is a failure. `beside`
/// may add parts of its own.
pub async fn run(
    settings: Settings,
    roles: &[Role],
    metrics: PrometheusHandle,
    beside: impl FnOnce(&mut Group),
) -> anyhow::Result<ExitCode> {
    let shutdown = lifecycle::shutdown_on_signals()?;
    let listeners = Listeners::bind(&settings, roles)?;
    let instance = instance(&settings, roles);
    let engines = Engines::open(&settings, roles, &instance, Connecting::InBackground).await?;
    let mut process = Process::new(settings, instance, engines.clone(), metrics);
    process.start(roles, listeners)?;
    beside(&mut process.front);
    process.greet(roles)?;
    let ended = tasks::run(process.front, process.back, shutdown).await;
    engines.close().await;
    ended.map(|()| ExitCode::SUCCESS)
}

impl Process {
    pub fn new(
        settings: Settings,
        instance: String,
        engines: Engines,
        metrics: PrometheusHandle,
    ) -> Self {
        let (front, back) = (Group::default(), Group::default());
        Self { settings, instance, engines, metrics, front, back }
    }

    pub fn into_groups(self) -> (Group, Group) {
        (self.front, self.back)
    }

    /// Starts the parts; nothing has been served before.
    pub fn start(&mut self, roles: &[Role], listeners: Listeners) -> anyhow::Result<()> {
        consumers::start(&mut self.back, roles, &self.engines, &self.settings, &self.instance)?;
        let journal = self.journal(roles)?;
        self.heartbeat(roles, journal.as_ref().map(Arc::downgrade));
        let dashboard = roles.contains(&Role::Dashboard).then(|| self.dashboard()).transpose()?;
        if let Some(listener) = listeners.gateway {
            self.gateway(listener, journal, dashboard.clone())?;
        } else if let Some(dashboard) = &dashboard {
            let mcp = mcp::for_dashboard(&mut self.back, &self.settings, &self.engines)?;
            if let Some(mcp) = mcp {
                dashboard.show_prompts(mcp);
            }
        }
        if let Some((dashboard, listener)) = dashboard.zip(listeners.dashboard) {
            let stop = self.front.stop.clone();
            self.front
                .spawn("dashboard", async move { Ok(dashboard.serve(listener, stop).await?) });
        }
        let (stream, stop) = (self.engines.stream.clone(), self.back.stop.clone());
        self.back.spawn("stream figures", async move {
            nexus_bus::report(stream, FIGURES, stop).await;
            Ok(())
        });
        let (metrics, stop) = (self.metrics.clone(), self.back.stop.clone());
        self.back.spawn("metrics' upkeep", async move {
            metrics::keep_up(metrics, stop).await;
            Ok(())
        });
        if let Some(listener) = listeners.admin {
            let store =
                self.engines.store.clone().map(|store| -> Arc<dyn nexus_store::Health> { store });
            let admin = Admin { metrics: self.metrics.clone(), store };
            let stop = self.front.stop.clone();
            self.front
                .spawn("admin port", async move { Ok(admin::run(admin, listener, stop).await?) });
        }
        Ok(())
    }

    /// A gateway's journal, with the shipper behind it.
    fn journal(&mut self, roles: &[Role]) -> anyhow::Result<Option<Arc<Journal>>> {
        if !roles.contains(&Role::Gateway) || !self.settings.storage_enabled {
            return Ok(None);
        }
        journal::start(&mut self.back, &self.settings, &self.instance, &self.engines).map(Some)
    }

    fn heartbeat(&mut self, roles: &[Role], journal: Option<Weak<Journal>>) {
        let heart = Heart {
            instance: self.instance.clone(),
            roles: roles.to_vec(),
            journal,
            live: self.engines.live.clone(),
            clock: self.engines.clock.clone(),
        };
        let stop = self.back.stop.clone();
        self.back.spawn("heartbeat", async move {
            heart.beat(stop).await;
            Ok(())
        });
    }

    /// The gateway. With a dashboard in the process, the data API is on the gateway's port too.
    fn gateway(
        &mut self,
        listener: std::net::TcpListener,
        journal: Option<Arc<Journal>>,
        dashboard: Option<Arc<Dashboard>>,
    ) -> anyhow::Result<()> {
        let (settings, engines) = (&self.settings, &self.engines);
        let metrics = self.metrics.clone();
        let deps = GatewayDeps {
            journal,
            live: engines.live.clone(),
            clock: engines.clock.clone(),
            ids: Arc::new(IdSource::new(engines.clock.clone(), rand::random)),
            random: Arc::new(rand::random),
            render_metrics: Arc::new(move || metrics.render()),
        };
        let mounted = mounted(settings.mcp_enabled, dashboard.is_some());
        let config =
            GatewayConfig { mounted, ..gateway_config(settings, &self.instance, salt(settings)?) };
        let gateway = Gateway::new(config, deps)?;
        let mcp = mcp::for_gateway(&mut self.back, settings, gateway.credentials(), engines)?;
        if let Some((dashboard, mcp)) = dashboard.as_ref().zip(mcp.as_ref()) {
            dashboard.show_prompts(Arc::clone(mcp));
        }
        let stop = self.front.stop.clone();
        self.front.spawn("gateway", async move {
            let routes = dashboard.map(|dashboard| dashboard.api_routes());
            let prompts = mcp.map(|mcp| mcp.routes());
            let extra = move |service: &mut actix_web::web::ServiceConfig| {
                if let Some(prompts) = &prompts {
                    prompts(service);
                }
                if let Some(routes) = &routes {
                    routes(service);
                }
            };
            Ok(gateway.serve(listener, extra, stop).await?)
        });
        Ok(())
    }

    fn dashboard(&self) -> anyhow::Result<Arc<Dashboard>> {
        let store = self.engines.store.clone().context("the dashboard needs a store")?;
        let config = dashboard_config(&self.settings, &salt(&self.settings)?)?;
        let deps = nexus_dashboard::Deps {
            queries: store.clone(),
            analyses: store.clone(),
            erasures: store.clone(),
            recordings: Arc::new(nexus_dashboard::StoredRecordings::new(store)),
            live: self.engines.live.clone(),
            stream: self.engines.stream.clone(),
            clock: self.engines.clock.clone(),
            random: Arc::new(|bytes| rand::fill(bytes)),
        };
        Ok(Dashboard::new(config, deps)?)
    }

    fn greet(&self, roles: &[Role]) -> anyhow::Result<()> {
        let (gateway, dashboard) =
            (roles.contains(&Role::Gateway), roles.contains(&Role::Dashboard));
        for warning in banner::warnings(&self.settings, gateway, dashboard) {
            tracing::warn!("{warning}");
        }
        let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        tracing::info!(roles = names.join(","), instance = self.instance, "ready");
        output::write(banner::text(&self.settings, gateway, dashboard).as_bytes())
    }
}

/// What stands on the gateway's port besides its own.
fn mounted(prompts: bool, data_api: bool) -> Vec<String> {
    let paths = [("/mcp", prompts), ("/api/*", data_api)];
    paths.into_iter().filter(|(_, is_there)| *is_there).map(|(path, _)| path.into()).collect()
}

/// The operator's name for this process, else the host's with the role of a process that has one.
fn instance(settings: &Settings, roles: &[Role]) -> String {
    if let Some(name) = &settings.instance {
        return name.clone();
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match roles {
        [role] => format!("{host}-{}", role.as_str()),
        _ => host,
    }
}
