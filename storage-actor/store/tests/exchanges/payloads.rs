//! Bodies and headers come back as they were.

use nexus_contract::TerminalState;
use nexus_store::{
    exchanges::{ExchangePart, Facts},
    store_tests,
    testing::TestStore,
};

use crate::{
    probe::Probe,
    sample::{history, id, request, response},
};

async fn a_growing_history_is_stored_once_and_comes_back(store: TestStore) {
    const TURNS: u32 = 30;
    for turn in 1..=TURNS {
        store.write_exchanges(&[request(turn, &history(turn))]).await.expect("stored");
    }
    for turn in 1..=TURNS {
        let payload = store.find_payload(id(turn)).await.expect("read").expect("stored");
        assert_eq!(&payload.request_body.expect("a body")[..], history(turn));
        assert!(payload.response_body.is_none());
        let headers = payload.request_headers.expect("headers");
        assert_eq!(
            (headers.get("x-api-key"), headers.get("x-request-id")),
            (Some("[masked]"), Some("1"))
        );
    }
    let probe = Probe::open(&store.url).await;
    // A turn adds its message with the mark and, one turn later, without.
    assert_eq!(probe.count("nodes").await, i64::from(2 * TURNS - 1));
    assert_eq!(probe.count("frames").await, 1);
    assert_eq!(probe.count("header_sets").await, 1);
}

async fn a_batch_with_the_same_history_again_and_again(store: TestStore) {
    let parts: Vec<ExchangePart> = (1..=40)
        .flat_map(|turn| [request(turn, &history(turn)), response(turn, b"event: ping\n\n")])
        .collect();
    store.write_exchanges(&parts).await.expect("stored");
    let again = store.write_exchanges(&parts).await.expect("stored");
    assert_eq!(again, [], "a repetition changes nothing");
    for turn in 1..=40 {
        let payload = store.find_payload(id(turn)).await.expect("read").expect("stored");
        assert_eq!(&payload.request_body.expect("a body")[..], history(turn));
        assert_eq!(&payload.response_body.expect("a body")[..], b"event: ping\n\n");
        let headers = payload.response_headers.expect("headers");
        assert_eq!(headers.get("request-id"), Some(&turn.to_string()[..]));
    }
}

async fn bodies_of_any_kind_come_back(store: TestStore) {
    let deep = format!(r#"{{"messages":[{}{}]}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let large = format!(r#"{{"messages":[{{"a":"{}"}}]}}"#, "x".repeat(4 << 20));
    let long = format!(
        r#"{{"messages":[{}]}}"#,
        (0..3_000).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>().join(",")
    );
    let bodies: [&[u8]; 11] = [
        b"",
        b"{}",
        b"\0\xff\xfe not JSON",
        br#"{"messages":[]}"#,
        br#"{"messages":[],"messages":[1]}"#,
        br#"{"messages":["\u0000","\ud800"],"a":1e400,"a":2}"#,
        br#"{"messages":[1,1,1,1,1],"system":[1,1],"tools":[{"cache_control":1}]}"#,
        br#"{"messages":[{"a":1}"#,
        deep.as_bytes(),
        large.as_bytes(),
        long.as_bytes(),
    ];
    let numbered = || (1u32..).zip(bodies);
    let parts: Vec<_> =
        numbered().flat_map(|(n, body)| [response(n, body), request(n, body)]).collect();
    store.write_exchanges(&parts).await.expect("stored");
    for (number, body) in numbered() {
        let payload = store.find_payload(id(number)).await.expect("read").expect("stored");
        assert_eq!(&payload.request_body.expect("a body")[..], body, "request {number}");
        assert_eq!(&payload.response_body.expect("a body")[..], body, "response {number}");
    }
    // The nodes of the long one are found again by their tail, and where only its beginning is known.
    let shorter = long.replace(",{\"n\":2999}", "").replace("{\"n\":2900}", "{}");
    store.write_exchanges(&[request(90, shorter.as_bytes())]).await.expect("stored");
    let payload = store.find_payload(id(90)).await.expect("read").expect("stored");
    assert_eq!(payload.request_body.expect("a body"), shorter);
}

async fn what_is_damaged_is_told(store: TestStore) {
    store.write_exchanges(&[request(1, &history(3))]).await.expect("stored");
    let probe = Probe::open(&store.url).await;
    probe.run("UPDATE nodes SET patch = NULL").await;
    let error = store.find_payload(id(1)).await.expect_err("its checksum is another");
    assert!(!error.is_transient() && error.to_string().contains("cannot be"), "{error}");
}

async fn many_are_read_at_once_in_any_mixture(store: TestStore) {
    const TURNS: u32 = 70;
    let whole = b"not JSON";
    for turn in 1..=TURNS {
        store.write_exchanges(&[request(turn, &history(turn))]).await.expect("stored");
    }
    store.write_exchanges(&[response(7, whole), request(99, whole)]).await.expect("stored");
    let ids: Vec<_> = (1..=TURNS).chain([99, 500]).map(id).collect();
    let found = store.list_payloads(&ids).await.expect("read");
    assert_eq!(found.len(), 71, "the unknown one is left out");
    for recorded in found {
        let one = store.find_payload(recorded.id).await.expect("read").expect("stored");
        assert_eq!(recorded.payload, one);
        let turn = (1..=TURNS).find(|turn| id(*turn) == recorded.id);
        let body = turn.map_or(whole.to_vec(), history);
        assert_eq!(&recorded.payload.request_body.expect("a body")[..], body);
        assert_eq!(recorded.payload.response_body.is_some(), turn == Some(7));
    }
    assert!(store.list_payloads(&[]).await.expect("read").is_empty());
}

async fn halves_come_back_however_batches_divide_them(store: TestStore) {
    let asked = |turn| request(turn, &history(turn));
    let said = |turn| response(turn, b"said");
    store.write_exchanges(&[asked(1), said(2), asked(3), said(3)]).await.expect("stored");
    store.write_exchanges(&[said(1), asked(2), asked(4)]).await.expect("stored");
    for turn in 1..=4 {
        let payload = store.find_payload(id(turn)).await.expect("read").expect("stored");
        assert_eq!(&payload.request_body.expect("a body")[..], history(turn));
        let answer = payload.response_body.map(|body| body.to_vec());
        assert_eq!(answer.as_deref(), (turn != 4).then_some(&b"said"[..]));
        assert_eq!(payload.response_headers.is_some(), turn != 4);
    }
}

async fn an_end_that_was_seen_stands_above_one_made_up_in_the_same_batch(store: TestStore) {
    let mut aborted = response(1, b"sai");
    let Facts::Response(facts) = &mut aborted.facts else { panic!("an answer") };
    facts.state = TerminalState::Aborted;
    let batch = [request(1, b"{}"), aborted.clone(), response(1, b"said"), aborted];
    store.write_exchanges(&batch).await.expect("stored");
    let payload = store.find_payload(id(1)).await.expect("read").expect("stored");
    assert_eq!(&payload.response_body.expect("a body")[..], b"said");
    let row = store.find_exchange(id(1)).await.expect("read").expect("stored");
    assert_eq!((row.state.as_deref(), row.response_bytes), (Some("completed"), Some(4)));
}

async fn an_unknown_exchange_is_none(store: TestStore) {
    assert!(store.find_payload(id(1)).await.expect("read").is_none());
    assert!(store.find_exchange(id(1)).await.expect("read").is_none());
    assert!(store.find_usage(id(1)).await.expect("read").is_none());
}

store_tests!(
    a_growing_history_is_stored_once_and_comes_back,
    a_batch_with_the_same_history_again_and_again,
    bodies_of_any_kind_come_back,
    what_is_damaged_is_told,
    many_are_read_at_once_in_any_mixture,
    halves_come_back_however_batches_divide_them,
    an_end_that_was_seen_stands_above_one_made_up_in_the_same_batch,
    an_unknown_exchange_is_none,
);
