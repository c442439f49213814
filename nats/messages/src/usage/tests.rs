use serde_json::json;

use super::*;

#[test]
fn a_delta_replaces_counts_and_keeps_what_it_does_not_name() {
    let mut usage = Usage::from_value(&json!({
        "input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 8, "ephemeral_1h_input_tokens": 2},
        "cache_creation_input_tokens": 10, "service_tier": "standard",
    }));
    usage.merge(&json!({"output_tokens": 79, "cache_read_input_tokens": null,
        "cache_creation": {"ephemeral_1h_input_tokens": 4}, "new_thing": [1]}));
    let tokens = usage.tokens();
    assert_eq!((tokens.input, tokens.output, tokens.cache_read), (3, 79, 20));
    assert_eq!((tokens.cache_creation_5m, tokens.cache_creation_1h), (8, 4));
    assert_eq!(usage.raw()["new_thing"], json!([1]));
    assert_eq!(usage.raw()["service_tier"], "standard");
}

#[test]
fn a_total_without_its_parts_was_written_for_five_minutes() {
    let tokens = Usage::from_value(&json!({"cache_creation_input_tokens": 10})).tokens();
    assert_eq!((tokens.cache_creation_5m, tokens.cache_creation_1h), (10, 0));
}

#[test]
fn strange_numbers_count_as_nothing() {
    let usage = Usage::from_value(&json!({"input_tokens": -3, "output_tokens": "7",
        "cache_read_input_tokens": 1.5, "cache_creation": 4}));
    assert_eq!(usage.tokens(), Tokens::default());
    assert_eq!(Usage::from_value(&json!([1])), Usage::default());
}

#[test]
fn the_reader_follows_a_stream_that_is_cut() {
    let stream = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\",",
        "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}",
        "\n\nevent: message_delta\ndata: {\"type\":\"message_del",
    );
    let mut reader = UsageReader::default();
    for chunk in stream.as_bytes().chunks(5) {
        reader.push(chunk);
    }
    reader.finish();
    assert_eq!(reader.model(), Some("m"));
    assert_eq!(reader.usage().map(|usage| usage.tokens().output), Some(9));
    assert!(!reader.has_ended() && !reader.has_error());
}
