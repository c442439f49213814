use serde_json::json;

use super::*;

fn at(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().expect("a day")
}

fn usage() -> Usage {
    Usage::from_value(&json!({"input_tokens": 1_000_000, "output_tokens": 100_000,
        "cache_read_input_tokens": 2_000_000, "cache_creation_input_tokens": 300_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 200_000,
            "ephemeral_1h_input_tokens": 100_000}}))
}

fn cost(model: &str, usage: &Usage, day: &str) -> Option<f64> {
    PriceTable::listed().cost(model, usage, at(day)).map(Cost::usd)
}

#[test]
fn every_kind_of_token_has_its_rate() {
    // 4 + 0.1 × 20 + 2 × 0.2 + 0.2 × 5 + 0.1 × 8
    assert_eq!(cost("claude-opus-5-5-20260920", &usage(), "2026-11-01"), Some(8.2));
}

#[test]
fn a_price_counts_from_its_day_on() {
    let read = Usage::from_value(&json!({"cache_read_input_tokens": 1_000_000}));
    assert_eq!(cost("claude-sonnet-5-5", &read, "2026-10-06"), Some(0.2));
    assert_eq!(cost("claude-sonnet-5-5", &read, "2026-10-07"), Some(0.1));
}

#[test]
fn a_long_prompt_has_rates_of_its_own() {
    let of = |input: u64| Usage::from_value(&json!({"input_tokens": input, "output_tokens": 0}));
    assert_eq!(cost("claude-haiku-5-5", &of(100_000), "2026-11-01"), Some(0.01));
    assert_eq!(cost("claude-haiku-5-5", &of(200_000), "2026-11-01"), Some(0.1));
}

#[test]
fn the_way_an_answer_was_made_changes_its_price() {
    let of = |field: &str, value: &str| {
        Usage::from_value(&json!({"input_tokens": 1_000_000, field: value}))
    };
    let day = "2026-11-01";
    assert_eq!(cost("claude-opus-5-5", &of("service_tier", "batch"), day), Some(2.0));
    assert_eq!(cost("claude-opus-5-5", &of("speed", "fast"), day), Some(8.0));
    assert_eq!(cost("claude-opus-5-5", &of("inference_geo", "us"), day), Some(4.4));
    assert_eq!(cost("claude-haiku-4-5", &of("speed", "fast"), day), None);
    let searches = json!({"input_tokens": 0, "server_tool_use": {"web_search_requests": 3}});
    assert_eq!(cost("claude-opus-5-5", &Usage::from_value(&searches), day), Some(0.03));
}

#[test]
fn an_unknown_model_has_no_price() {
    assert_eq!(cost("claude-opus-99", &usage(), "2026-11-01"), None);
    assert_eq!(cost("", &usage(), "2026-11-01"), None);
}

#[test]
fn a_file_lays_its_prices_over_the_listed_ones() {
    let rates = json!({"input": 1, "output": 1, "cacheRead": 1, "cacheCreation5m": 1,
        "cacheCreation1h": 1});
    let file = json!({"models": [{"model": "claude-sonnet-5-5", "rates": rates},
        {"model": "my-model", "rates": rates, "context": 5}]});
    let table = PriceTable::with_file(&file.to_string()).expect("a price file");
    let usage = Usage::from_value(&json!({"cache_read_input_tokens": 1_000_000}));
    let day = at("2026-11-01");
    assert_eq!(table.cost("claude-sonnet-5-5", &usage, day), Some(Cost(1_000_000_000)));
    assert_eq!(table.cost("my-model", &usage, day), Some(Cost(1_000_000_000)));
    assert!(table.cost("claude-opus-5-5", &usage, day).is_some());
    assert_eq!(table.context_limit("my-model", None).tokens, 5);
}

#[test]
fn a_bad_file_says_what_is_wrong() {
    let bad = json!({"models": [{"model": "m", "rates": {"input": -1, "output": 1, "cacheRead": 1,
        "cacheCreation5m": 1, "cacheCreation1h": 1}}]});
    let error = PriceTable::with_file(&bad.to_string()).expect_err("a negative price");
    assert_eq!(error.to_string(), "the price of m is not a number from 0 up");
    let error = PriceTable::with_file(r#"{"models": [], "extra": 1}"#).expect_err("a typo");
    assert!(error.to_string().contains("extra"), "{error}");
}

#[test]
fn what_the_cache_saved_and_what_a_miss_cost() {
    let table = PriceTable::listed();
    let day = at("2026-11-01");
    let tokens = Tokens { cache_read: 1_000_000, ..Tokens::default() };
    assert_eq!(table.saved("claude-opus-5-5", &tokens, day).map(Cost::usd), Some(3.8));
    assert_eq!(table.missed("claude-opus-5-5", 1_000_000, day).map(Cost::usd), Some(4.8));
}

#[test]
fn limits_know_the_beta_and_mark_estimates() {
    let table = PriceTable::listed();
    let limit = |model, beta| {
        let limit = table.context_limit(model, beta);
        (limit.tokens, limit.is_estimate)
    };
    assert_eq!(limit("claude-opus-5-5", None), (1_000_000, false));
    assert_eq!(limit("claude-sonnet-4-5", None), (200_000, false));
    assert_eq!(limit("claude-sonnet-4-5", Some("context-1m-2025-08-07")), (1_000_000, false));
    assert_eq!(limit("claude-sonnet-4-5[1m]", None), (1_000_000, false));
    assert_eq!(limit("someone-else", None), (200_000, true));
}

#[test]
fn a_version_names_the_prices_and_nothing_else() {
    let listed = PriceTable::listed();
    assert_eq!(listed.version(), PriceTable::listed().version());
    let over = |input: u32| {
        let rates = format!(
            r#"{{"input":{input},"output":1,"cacheRead":1,"cacheCreation5m":1,"cacheCreation1h":1}}"#
        );
        let file = format!(r#"{{"models":[{{"model":"own","rates":{rates}}}]}}"#);
        PriceTable::with_file(&file).expect("a price file").version()
    };
    assert_ne!(over(1), listed.version());
    assert_ne!(over(1), over(2));
}
