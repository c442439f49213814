//! The analysis role from the settings.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use nexus_analysis::{
    AnalysisConfig, AnalysisDeps, FailedAnalysis, FailureNotice, GeminiConfig, StoredBranches,
    Truncation,
};
use nexus_gateway::{
    SlackNotices,
    credentials::{Credentials, Fingerprinter},
};
use nexus_store::Store;
use secrecy::SecretString;

use crate::{
    failure::WrongUsage,
    roles::{consumers::prices, engines::Engines, gateway_config::slack, tasks::Group},
    settings::Settings,
};

/// Time for notices that still wait at the end.
const LAST_NOTICES: Duration = Duration::from_secs(2);
/// Time for the notices of a command, which has nothing else to do.
const NOTICES: Duration = Duration::from_secs(30);

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
    let (deps, sender) = deps(settings, engines, store)?;
    let stop = back.stop.clone();
    let sender = tokio::spawn(sender);
    back.spawn("analysis", async move {
        let ended = nexus_analysis::run(config, deps, stop).await;
        // The notices are dropped; those that still wait are sent, for as long as that is quick.
        let _in_time = tokio::time::timeout(LAST_NOTICES, sender).await;
        Ok(ended?)
    });
    Ok(())
}

/// Fails the jobs that used up their attempts, announced as a worker announces them where there is a
/// stream; gives their number.
pub async fn fail_exceeded(
    settings: &Settings,
    store: &Arc<dyn Store>,
    actor: &str,
) -> anyhow::Result<usize> {
    let engines = Engines::beside(settings, actor, store.clone()).await.unwrap_or_else(|error| {
        // That a job hangs is worse than that no event tells of its end.
        eprintln!("warning: no event tells which jobs fail: {error:#}");
        Engines::alone(store.clone())
    });
    let (deps, sender) = deps(settings, &engines, store)?;
    let sender = tokio::spawn(sender);
    let max_attempts = settings.ai_max_retries.get();
    let failed = nexus_analysis::fail_exceeded(&deps, actor, max_attempts).await?;
    // With the notices dropped, the sender ends when all are sent.
    drop(deps);
    let told = tokio::time::timeout(NOTICES, sender).await;
    told.context("the jobs have failed, but Slack does not take the notices")??;
    Ok(failed.len())
}

/// What the role stands on, and the sender of its notices.
fn deps(
    settings: &Settings,
    engines: &Engines,
    store: &Arc<dyn Store>,
) -> anyhow::Result<(AnalysisDeps, impl Future<Output = ()> + Send + 'static + use<>)> {
    let (notice, sender) = notices(settings)?;
    let deps = AnalysisDeps {
        store: store.clone(),
        branches: Arc::new(StoredBranches { queries: store.clone(), exchanges: store.clone() }),
        stream: engines.stream.clone(),
        live: engines.live.clone(),
        notice: Arc::new(notice),
        prices: Arc::new(prices(settings)?),
        clock: engines.clock.clone(),
        random: Arc::new(rand::random),
    };
    Ok((deps, sender))
}

/// Tells Slack, where a webhook is set.
struct Notices(SlackNotices);

impl FailureNotice for Notices {
    fn analysis_failed(&self, failure: &FailedAnalysis<'_>) {
        self.0.tell(failure.domain, &told(failure));
    }
}

fn told(failure: &FailedAnalysis<'_>) -> String {
    let FailedAnalysis { domain, branch, requested_by, reason } = failure;
    let domain = if domain.is_empty() { "unknown domain" } else { domain };
    format!(
        ":warning: *{domain}* analysis failed: {reason}\nconversation {}, branch {}, asked for by {requested_by}",
        branch.conversation_id, branch.branch_id,
    )
}

fn notices(
    settings: &Settings,
) -> anyhow::Result<(Notices, impl Future<Output = ()> + Send + 'static + use<>)> {
    // Nobody's key is looked at here, so any salt will do.
    let salt = Fingerprinter::new(&SecretString::default());
    let credentials = Credentials::open(&settings.credentials_dir, salt);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let (notices, sender) = SlackNotices::new(slack(settings), credentials, http);
    Ok((Notices(notices), sender))
}

pub fn analysis_config(settings: &Settings, key: SecretString, worker: &str) -> AnalysisConfig {
    AnalysisConfig {
        gemini: GeminiConfig {
            api_url: settings.gemini_url.as_str().trim_end_matches('/').to_owned(),
            model: settings.gemini_model.clone(),
            request_timeout: Duration::from_millis(settings.gemini_timeout_ms.get()),
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
        poll_interval: Duration::from_millis(settings.ai_poll_interval_ms.get()),
        max_concurrent_jobs: settings.ai_max_concurrent_jobs.get(),
        job_timeout: Duration::from_mins(settings.ai_job_timeout_minutes.get()),
        max_attempts: settings.ai_max_retries.get(),
        daily_token_budget: settings.ai_daily_budget,
        ..AnalysisConfig::new(key, worker)
    }
}

#[cfg(test)]
mod tests {
    use nexus_contract::{Clock, ExchangeId, SystemClock};
    use nexus_store::{
        StoreConfig,
        analyses::{Branch, JobStatus, LeaseRequest, NewAnalysis},
    };

    use super::*;
    use crate::{
        roles::dashboard_config::dashboard_config,
        settings::{Inputs, resolve},
    };

    fn settings(environment: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Settings::from_resolved(&resolve(&Inputs { environment, ..Inputs::default() })?)
    }

    fn branch() -> Branch {
        Branch { conversation_id: ExchangeId::from_external("c"), branch_id: "main".into() }
    }

    /// What the role and the dashboard make of a setting, as text.
    fn effect(environment: &[(&str, &str)]) -> Result<String, Vec<String>> {
        let settings = settings(environment)?;
        let key = settings.gemini_key.clone().unwrap_or_default();
        let shown = secrecy::ExposeSecret::expose_secret(&key).to_owned();
        let config = analysis_config(&settings, key, "w");
        let dashboard = dashboard_config(&settings, &SecretString::default())
            .map_err(|error| vec![error.to_string()])?;
        let limits = (dashboard.analysis_creations, dashboard.analysis_retrievals);
        Ok(format!("{config:?} {shown} {limits:?} {}", settings.ai_enabled))
    }

    /// Each with what it is to be found as.
    const SETTINGS: [(&str, &str, &str); 19] = [
        ("AI_WORKER_ENABLED", "true", " true"),
        ("AI_WORKER_POLL_INTERVAL_MS", "7001", "poll_interval: 7.001s"),
        ("AI_WORKER_MAX_CONCURRENT_JOBS", "71", "max_concurrent_jobs: 71"),
        ("AI_WORKER_JOB_TIMEOUT_MINUTES", "72", "job_timeout: 4320s"),
        ("AI_ANALYSIS_MAX_RETRIES", "73", "max_attempts: 73"),
        ("AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS", "74000", "request_timeout: 74s"),
        ("GEMINI_API_KEY", "a-key-of-75", "a-key-of-75"),
        (
            "GEMINI_API_URL",
            "https://gemini.example/v76/models/",
            "https://gemini.example/v76/models\"",
        ),
        ("GEMINI_MODEL_NAME", "model-77", "model: \"model-77\""),
        ("AI_MAX_PROMPT_TOKENS", "78000", "max_prompt_tokens: 78000"),
        ("AI_HEAD_MESSAGES", "79", "head_messages: 79"),
        ("AI_TAIL_MESSAGES", "80", "tail_messages: 80"),
        ("AI_ANALYSIS_INPUT_TRUNCATION_TARGET_TOKENS", "81", "target_tokens: 81,"),
        ("AI_ANALYSIS_TRUNCATE_FIRST_N_TOKENS", "82", "first_tokens: 82,"),
        ("AI_ANALYSIS_TRUNCATE_LAST_M_TOKENS", "83", "last_tokens: 83,"),
        ("AI_ANALYSIS_RATE_LIMIT_CREATION", "84", "(84, 100)"),
        ("AI_ANALYSIS_RATE_LIMIT_CREATION", "84/min", "(84, 100)"),
        ("AI_ANALYSIS_RATE_LIMIT_RETRIEVAL", "85", "(15, 85)"),
        ("AI_ANALYSIS_DAILY_TOKEN_BUDGET", "86", "daily_token_budget: Some(86)"),
    ];

    #[test]
    fn every_setting_of_analyses_arrives() {
        let default = effect(&[]).expect("valid");
        for (name, value, found) in SETTINGS {
            let changed = effect(&[(name, value)]).expect("valid");
            assert!(changed.contains(found), "{name}: {changed}");
            assert!(!default.contains(found), "{name} is {value} by default");
        }
        let mine = |name: &str| name.starts_with("AI_") || name.starts_with("GEMINI_");
        for definition in crate::settings::TABLE.iter().filter(|entry| mine(entry.name)) {
            let is_tested = SETTINGS.iter().any(|(name, ..)| *name == definition.name);
            assert!(is_tested, "{} is not tested", definition.name);
        }
    }

    #[test]
    fn nothing_can_be_switched_off_by_a_zero() {
        for name in [
            "AI_WORKER_POLL_INTERVAL_MS",
            "AI_WORKER_MAX_CONCURRENT_JOBS",
            "AI_WORKER_JOB_TIMEOUT_MINUTES",
            "AI_ANALYSIS_MAX_RETRIES",
            "AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS",
        ] {
            let mistakes = effect(&[(name, "0")]).expect_err(name);
            assert!(mistakes[0].contains("from 1 to"), "{mistakes:?}");
        }
    }

    #[test]
    fn a_notice_says_what_failed_for_whom_and_why() {
        let branch = branch();
        let failure = FailedAnalysis {
            domain: "team.example",
            branch: &branch,
            requested_by: "key",
            reason: "Gemini answered 400",
        };
        let told = told(&failure);
        for part in ["team.example", "Gemini answered 400", "branch main", "asked for by key"] {
            assert!(told.contains(part), "{told}");
        }
    }

    #[tokio::test]
    async fn jobs_fail_also_while_nats_is_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("nexus.sqlite").display());
        let store = nexus_store::open(&StoreConfig::new(url)).await.expect("it opens");
        let (now, requested_by) = (SystemClock.now(), "somebody".to_owned());
        let new = NewAnalysis { branch: branch(), custom_prompt: None, requested_by, at: now };
        store.request_analysis(&new).await.expect("made");
        // It ends as it begins.
        let worker = "vanished".to_owned();
        let lease = LeaseRequest { worker, now, until: now, max_jobs: 1, max_attempts: 1 };
        assert_eq!(store.lease_analyses(&lease).await.expect("leased").len(), 1);

        let away = [("NATS_URL", "nats://127.0.0.1:9"), ("AI_ANALYSIS_MAX_RETRIES", "1")];
        let settings = settings(&away).expect("valid");
        assert_eq!(fail_exceeded(&settings, &store, "a test").await.expect("done"), 1);
        let found = store.find_analysis(&branch()).await.expect("read").expect("the job");
        assert_eq!(found.status, JobStatus::Failed);
    }
}
