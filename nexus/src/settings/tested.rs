//! Which test shows that a setting has an effect: a setting without one is a promise that nobody
//! checks.

use std::path::Path;

use super::{
    definition::{Definition, Group},
    table::{self, TABLE},
};

const WIRING: Test = ("nexus/src/roles/gateway_config.rs", "every_setting_reaches_the_gateway");
const ACCESS: &str = "proxy-gateway/tests/access.rs";
const RELAY: &str = "proxy-gateway/tests/relay.rs";
const CALLS: &str = "proxy-gateway/tests/calls.rs";
const HOSTILE: &str = "proxy-gateway/tests/hostile.rs";
const NOTICES: &str = "proxy-gateway/tests/notices.rs";
const TLS: &str = "proxy-gateway/tests/tls.rs";
const JOURNAL: &str = "nats/journal/tests/journal.rs";
const PROCESS: &str = "tests/e2e/tests/settings.rs";
const ENGINES: &str = "tests/e2e/tests/engines.rs";
const TOPOLOGY: &str = "tests/e2e/tests/topology/main.rs";
const JETSTREAM: &str = "nats/bus/tests/jetstream.rs";
const RETENTION: &str = "storage-actor/actor/tests/handler/retention.rs";
const DOCTOR: &str = "nexus/tests/commands/doctor.rs";
const DOCTOR_ENGINES: &str = "nexus/tests/commands/doctor/engines.rs";

const COMMANDS: &str = "nexus/tests/commands/main.rs";
const ANALYSES: &str = "nexus/tests/commands/analyses.rs";
const ANALYSIS: &str = "tests/e2e/tests/analysis/wake.rs";
const JOBS: &str = "analysis-actor/tests/jobs/queue.rs";
const ANSWERS: &str = "analysis-actor/tests/jobs/answers.rs";
const TRUNCATION: &str = "analysis-actor/src/prompt/truncate/tests.rs";
const VISITS: &str = "dashboard/src/analyses/tests.rs";
const ARRIVES: Test = ("nexus/src/roles/analysis.rs", "every_setting_of_analyses_arrives");

/// File and function.
type Test = (&'static str, &'static str);

/// Settings that are tested where they are used, by the parts that own them.
const ELSEWHERE: [Group; 1] = [Group::Mcp];
const OF_OTHERS: [&str; 6] = [
    "DASHBOARD_CACHE_TTL",
    "NEXUS_PRICES",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "NEXUS_OTEL_BODIES",
    "SPARK_API_URL",
    "SPARK_API_KEY",
];

/// The settings of the gateway, the engines and the process. Where two tests are named, the second
/// one shows that the value arrives where the first one shows its effect.
const TESTED: &[(&str, &[Test])] = &[
    ("PORT", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("HOST", &[(PROCESS, "ports_and_addresses_are_those_that_were_set"), WIRING]),
    ("DASHBOARD_PORT", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("DASHBOARD_HOST", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("NEXUS_ADMIN_HOST", &[(PROCESS, "a_role_without_a_port_answers_on_the_admin_port")]),
    ("NEXUS_ADMIN_PORT", &[(PROCESS, "a_role_without_a_port_answers_on_the_admin_port")]),
    ("NEXUS_INSTANCE", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("NEXUS_DATA_DIR", &[(DOCTOR, "a_data_directory_that_cannot_be_written")]),
    ("DATABASE_URL", &[(DOCTOR_ENGINES, "a_database_that_is_not_migrated")]),
    ("NATS_URL", &[(TOPOLOGY, "the_scaled_out_form_stores_what_nexus_up_stores")]),
    (
        "NATS_CREDS",
        &[
            (JETSTREAM, "only_a_user_of_the_account_gets_in"),
            (DOCTOR_ENGINES, "a_nats_server_that_is_old_away_or_without_jetstream"),
        ],
    ),
    (
        "NEXUS_NATS_CA",
        &[(ENGINES, "a_private_authority_of_the_nats_servers_is_trusted_when_it_is_named")],
    ),
    ("NEXUS_NATS_REPLICAS", &[(TOPOLOGY, "a_cluster_of_three_goes_on_without_one")]),
    ("STORAGE_ENABLED", &[(PROCESS, "a_pure_proxy_captures_nothing")]),
    (
        "NEXUS_STREAM_MAX_BYTES",
        &[
            ("nats/bus/tests/conformance/mod.rs", "a_full_stream_refuses_until_it_is_read"),
            (ENGINES, "the_stream_has_the_bound_that_was_set"),
        ],
    ),
    ("SLOW_QUERY_THRESHOLD_MS", &[(ENGINES, "statements_slower_than_was_set_are_warned_of")]),
    ("NEXUS_RETENTION_PAYLOADS", &[(RETENTION, "each_class_goes_at_its_age")]),
    ("NEXUS_RETENTION_ROWS", &[(RETENTION, "each_class_goes_at_its_age")]),
    ("NEXUS_RETENTION_USAGE", &[(RETENTION, "each_class_goes_at_its_age")]),
    ("NEXUS_RETENTION_DEAD_LETTERS", &[(ENGINES, "dead_letters_go_at_the_age_that_was_set")]),
    ("PROXY_SERVER_TIMEOUT", &[(RELAY, "a_clients_request_has_a_longest_life"), WIRING]),
    ("NEXUS_DRAIN_TIMEOUT", &[(PROCESS, "a_stop_waits_no_longer_than_it_was_told"), WIRING]),
    ("NEXUS_MAX_CONNECTIONS", &[(HOSTILE, "connections_have_a_bound"), WIRING]),
    ("NEXUS_MAX_IN_FLIGHT_BYTES", &[(HOSTILE, "bodies_in_flight_have_a_bound"), WIRING]),
    (
        "MAX_REQUEST_SIZE",
        &[(RELAY, "thirty_two_mebibytes_pass_and_one_byte_more_does_not"), WIRING],
    ),
    ("TRUSTED_PROXIES", &[(NOTICES, "a_trusted_proxy_says_whether_it_was_https"), WIRING]),
    ("CLAUDE_API_BASE_URL", &[(RELAY, "bodies_and_headers_pass_in_both_directions"), WIRING]),
    ("CLAUDE_API_TIMEOUT", &[(RELAY, "a_silent_upstream_is_a_504"), WIRING]),
    ("CLAUDE_API_CONNECT_TIMEOUT", &[(TLS, "a_connection_has_to_come_about_in_time"), WIRING]),
    ("CLAUDE_API_IDLE_TIMEOUT", &[(RELAY, "a_stalled_stream_ends_with_an_error_event"), WIRING]),
    ("NEXUS_UPSTREAM_CA", &[(TLS, "an_unknown_certificate_is_refused"), WIRING]),
    ("HTTPS_PROXY", &[(TLS, "a_proxy_gets_a_tunnel_and_nothing_else"), WIRING]),
    (
        "NO_PROXY",
        &[("proxy-gateway/src/upstream/mod.rs", "no_proxy_names_hosts_and_domains"), WIRING],
    ),
    (
        "NEXUS_RETRY_STATUS",
        &[(CALLS, "a_listed_status_is_tried_again_with_the_same_bytes"), WIRING],
    ),
    ("NEXUS_ON_CLIENT_ABORT", &[(RELAY, "a_call_can_be_finished_for_the_record"), WIRING]),
    (
        "CREDENTIALS_DIR",
        &[(ACCESS, "a_client_key_brings_the_stored_credential_and_stays_here"), WIRING],
    ),
    (
        "ENABLE_CLIENT_AUTH",
        &[(ACCESS, "without_client_authentication_anyone_gets_the_stored_credential"), WIRING],
    ),
    (
        "ALLOW_PASSTHROUGH",
        &[(ACCESS, "passing_through_keeps_the_clients_credential_and_never_a_client_key"), WIRING],
    ),
    (
        "DASHBOARD_API_KEY",
        &[(NOTICES, "tokens_are_counted_per_domain_behind_the_dashboards_key"), WIRING],
    ),
    ("API_KEY_SALT", &[(PROCESS, "roles_that_share_a_stream_must_share_a_salt")]),
    (
        "NEXUS_OAUTH_TOKEN_URL",
        &[
            (
                "tests/e2e/tests/stored.rs",
                "a_stored_login_is_renewed_and_goes_up_with_its_beta_value",
            ),
            WIRING,
        ],
    ),
    (
        "NEXUS_OAUTH_AUTHORIZE_URL",
        &[(CALLS, "a_login_makes_a_credential_that_keeps_what_was_there"), WIRING],
    ),
    ("NEXUS_RATE_LIMIT_KEY", &[(ACCESS, "a_key_has_so_many_requests_a_window"), WIRING]),
    (
        "NEXUS_RATE_LIMIT_DOMAIN",
        &[(ACCESS, "limits_of_the_upstream_pass_beside_the_gateways_own"), WIRING],
    ),
    ("NEXUS_CAPTURE", &[(JOURNAL, "a_full_journal_refuses_when_capture_is_required"), WIRING]),
    (
        "NEXUS_JOURNAL_MAX_BYTES",
        &[(JOURNAL, "a_full_journal_leaves_tombstones_counts_them_and_recovers")],
    ),
    ("LOG_LEVEL", &[(PROCESS, "log_lines_have_the_level_and_the_form_that_were_set")]),
    ("LOG_FORMAT", &[(PROCESS, "log_lines_have_the_level_and_the_form_that_were_set")]),
    ("DEBUG", &[(PROCESS, "debugging_logs_what_passes_masked_and_capped"), WIRING]),
    ("DEBUG_SQL", &[(PROCESS, "debugging_logs_what_passes_masked_and_capped")]),
    ("SLACK_WEBHOOK_URL", &[(PROCESS, "those_who_want_to_know_are_told"), WIRING]),
    ("SLACK_CHANNEL", &[(PROCESS, "those_who_want_to_know_are_told")]),
    ("SLACK_USERNAME", &[(PROCESS, "those_who_want_to_know_are_told")]),
    ("SLACK_ICON_EMOJI", &[(PROCESS, "those_who_want_to_know_are_told")]),
    ("COLLECT_TEST_SAMPLES", &[(PROCESS, "those_who_want_to_know_are_told"), WIRING]),
    ("TEST_SAMPLES_DIR", &[(PROCESS, "those_who_want_to_know_are_told")]),
    ("TELEMETRY_ENDPOINT", &[(PROCESS, "those_who_want_to_know_are_told"), WIRING]),
    (
        "AI_WORKER_ENABLED",
        &[(ANALYSIS, "an_event_over_jetstream_wakes_a_worker_that_does_not_poll"), ARRIVES],
    ),
    (
        "AI_WORKER_POLL_INTERVAL_MS",
        &[(ANALYSIS, "an_event_over_jetstream_wakes_a_worker_that_does_not_poll"), ARRIVES],
    ),
    (
        "AI_WORKER_MAX_CONCURRENT_JOBS",
        &[(JOBS, "a_thousand_jobs_go_through_three_slots_and_a_stalled_one_stops_nobody"), ARRIVES],
    ),
    (
        "AI_WORKER_JOB_TIMEOUT_MINUTES",
        &[(JOBS, "a_job_whose_attempts_panic_fails_and_people_are_told"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_MAX_RETRIES",
        &[(ANALYSES, "a_job_without_an_attempt_left_fails_and_slack_is_told_once"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS",
        &[(ANSWERS, "a_slow_answer_times_out_and_is_tried_again"), ARRIVES],
    ),
    ("GEMINI_API_KEY", &[(COMMANDS, "check_config_asks_gemini_and_says_what_is_wrong"), ARRIVES]),
    ("GEMINI_API_URL", &[(COMMANDS, "check_config_asks_gemini_and_says_what_is_wrong"), ARRIVES]),
    (
        "GEMINI_MODEL_NAME",
        &[(COMMANDS, "check_config_asks_gemini_and_says_what_is_wrong"), ARRIVES],
    ),
    (
        "AI_MAX_PROMPT_TOKENS",
        &[(COMMANDS, "check_config_asks_gemini_and_says_what_is_wrong"), ARRIVES],
    ),
    ("AI_HEAD_MESSAGES", &[(TRUNCATION, "each_setting_moves_its_own_end"), ARRIVES]),
    ("AI_TAIL_MESSAGES", &[(TRUNCATION, "each_setting_moves_its_own_end"), ARRIVES]),
    (
        "AI_ANALYSIS_INPUT_TRUNCATION_TARGET_TOKENS",
        &[(TRUNCATION, "each_setting_moves_its_own_end"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_TRUNCATE_FIRST_N_TOKENS",
        &[(TRUNCATION, "each_setting_moves_its_own_end"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_TRUNCATE_LAST_M_TOKENS",
        &[(TRUNCATION, "each_setting_moves_its_own_end"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_RATE_LIMIT_CREATION",
        &[(VISITS, "asking_wakes_workers_and_is_limited_and_written_down"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_RATE_LIMIT_RETRIEVAL",
        &[(VISITS, "a_page_that_follows_a_job_retrieves_its_end_alone"), ARRIVES],
    ),
    (
        "AI_ANALYSIS_DAILY_TOKEN_BUDGET",
        &[(JOBS, "a_used_up_budget_lets_no_further_job_begin"), ARRIVES],
    ),
];

#[test]
fn every_setting_of_the_gateway_the_engines_and_the_process_has_a_test() {
    let is_ours = |definition: &&Definition| {
        !ELSEWHERE.contains(&definition.group) && !OF_OTHERS.contains(&definition.name)
    };
    for definition in TABLE.iter().filter(is_ours) {
        let tests = TESTED.iter().find(|(name, _)| *name == definition.name);
        assert!(tests.is_some(), "{} has no test; name one here", definition.name);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, tests) in TESTED {
        assert!(table::find(name).is_some(), "{name} is no setting");
        for (file, test) in *tests {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            assert!(text.contains(&format!("fn {test}(")), "{name}: {file} has no {test}");
        }
    }
}
