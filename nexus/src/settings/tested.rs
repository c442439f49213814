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

/// File and function.
type Test = (&'static str, &'static str);

/// Settings that are tested where they are used, by the parts that own them.
const ELSEWHERE: [Group; 4] = [Group::Storage, Group::Retention, Group::Mcp, Group::Analysis];
const OF_OTHERS: [&str; 6] = [
    "DASHBOARD_CACHE_TTL",
    "NEXUS_PRICES",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "NEXUS_OTEL_BODIES",
    "SPARK_API_URL",
    "SPARK_API_KEY",
];

/// The settings of the gateway and the process. Where two tests are named, the second one shows that
/// the value arrives where the first one shows its effect.
const TESTED: &[(&str, &[Test])] = &[
    ("PORT", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("HOST", &[(PROCESS, "ports_and_addresses_are_those_that_were_set"), WIRING]),
    ("DASHBOARD_PORT", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("DASHBOARD_HOST", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
    ("NEXUS_ADMIN_HOST", &[(PROCESS, "a_role_without_a_port_answers_on_the_admin_port")]),
    ("NEXUS_ADMIN_PORT", &[(PROCESS, "a_role_without_a_port_answers_on_the_admin_port")]),
    ("NEXUS_INSTANCE", &[(PROCESS, "ports_and_addresses_are_those_that_were_set")]),
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
];

#[test]
fn every_setting_of_the_gateway_and_the_process_has_a_test() {
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
