//! The analysis role from the settings.

use std::{sync::Arc, time::Duration};

use nexus_analysis::{
    AnalysisConfig, AnalysisDeps, GeminiConfig, NoNotice, StoredBranches, Truncation,
};
use nexus_store::Store;
use secrecy::SecretString;

use crate::{
    failure::WrongUsage,
    roles::{consumers::prices, engines::Engines, tasks::Group},
    settings::Settings,
};

/// Starts the worker where `AI_WORKER_ENABLED` says so.
pub fn start(
    back: &mut Group,
    settings: &Settings,
    instance: &str,
    engines: &Engines,
    store: &Arc<dyn Store>,
) -> anyhow::Result<()> {
    if !settings.ai_enabled {
        tracing::info!("AI_WORKER_ENABLED is off: analyses wait until a worker is on");
        return Ok(());
    }
    let key = settings.gemini_key.clone().ok_or_else(|| {
        WrongUsage::new("AI_WORKER_ENABLED needs GEMINI_API_KEY; set it, or switch the worker off")
    })?;
    let config = analysis_config(settings, key, instance);
    let deps = AnalysisDeps {
        store: store.clone(),
        branches: Arc::new(StoredBranches { queries: store.clone(), exchanges: store.clone() }),
        stream: engines.stream.clone(),
        live: engines.live.clone(),
        notice: Arc::new(NoNotice),
        prices: Arc::new(prices(settings)?),
        clock: engines.clock.clone(),
        random: Arc::new(rand::random),
    };
    let stop = back.stop.clone();
    back.spawn("analysis", async move { Ok(nexus_analysis::run(config, deps, stop).await?) });
    Ok(())
}

pub fn analysis_config(settings: &Settings, key: SecretString, worker: &str) -> AnalysisConfig {
    AnalysisConfig {
        gemini: GeminiConfig {
            api_url: settings.gemini_url.as_str().trim_end_matches('/').to_owned(),
            model: settings.gemini_model.clone(),
            request_timeout: Duration::from_millis(settings.gemini_timeout_ms),
            ..GeminiConfig::new(key.clone())
        },
        truncation: Truncation {
            max_prompt_tokens: settings.ai_max_prompt_tokens,
            target_tokens: settings.ai_truncation_target,
            first_tokens: settings.ai_truncate_first,
            last_tokens: settings.ai_truncate_last,
            head_messages: settings.ai_head_messages,
            tail_messages: settings.ai_tail_messages,
        },
        poll_interval: Duration::from_millis(settings.ai_poll_interval_ms),
        max_concurrent_jobs: settings.ai_max_concurrent_jobs,
        job_timeout: Duration::from_mins(settings.ai_job_timeout_minutes),
        max_attempts: settings.ai_max_retries,
        daily_token_budget: settings.ai_daily_budget,
        ..AnalysisConfig::new(key, worker)
    }
}
