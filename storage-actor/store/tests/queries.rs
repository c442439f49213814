//! Reading, on both engines.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::RequestType;
use nexus_store::{
    queries::{
        Activity, ConversationFilter, ConversationSort, Cursor, ExchangeKind, GroupBy, Paging,
        RequestFilter, RequestSort, Search, StatusFilter, UsageFilter,
    },
    store_tests,
    testing::TestStore,
};

const EVERYTHING: &str = "some \"exact words\" model:opus account:a domain:d tool:Bash has:error \
    has:subtask has:branch has:compact has:analysis tokens:>1 tokens:<=2m cost:0.5..2 \
    since:2026-01-01 before:2026-12-31";

fn search() -> Search {
    Search::parse(EVERYTHING, &TimeZone::UTC).expect("a search")
}

fn paging() -> Paging {
    let id = ExchangeId::from_external("x");
    Paging { limit: 3, cursor: Some(Cursor { value: 7, id }), offset: 2 }
}

fn usage_filter() -> UsageFilter {
    UsageFilter {
        domain: Some("d".into()),
        account_id: Some("a".into()),
        model: Some("m".into()),
        request_type: Some(RequestType::Inference),
        from: "2026-11-01T10:07:00Z".parse().ok(),
        to: "2026-11-20T11:11:00Z".parse().ok(),
    }
}

async fn every_condition_on_exchanges_is_a_statement(store: TestStore) {
    for sort in [RequestSort::Time, RequestSort::Cost, RequestSort::Duration] {
        for status in [StatusFilter::Code(404), StatusFilter::Class(5)] {
            let filter = RequestFilter {
                domain: Some("d".into()),
                account_id: Some("a".into()),
                model: Some("m".into()),
                request_type: Some(RequestType::Quota),
                status: Some(status),
                state: Some(TerminalState::Aborted),
                kind: Some(ExchangeKind::Turn),
                conversation_id: Some(ExchangeId::from_external("c")),
                branch_id: Some("main".into()),
                from: "2026-11-01T10:07:00Z".parse().ok(),
                to: "2026-11-20T11:11:00Z".parse().ok(),
                search: search(),
                sort,
            };
            let page = store.list_requests(&filter, &paging()).await.expect("a page");
            assert_eq!((page.items.len(), page.next_cursor), (0, None));
        }
    }
    let id = ExchangeId::from_external("x");
    assert_eq!(store.find_request(id).await.expect("answers"), None);
    assert_eq!(store.list_children(id).await.expect("answers"), []);
}

async fn every_condition_on_conversations_is_a_statement(store: TestStore) {
    use ConversationSort::{Cost, Recent, Requests, Tokens};
    for sort in [Recent, Cost, Tokens, Requests] {
        let filter = ConversationFilter {
            domain: Some("d".into()),
            account_id: Some("a".into()),
            from: "2026-11-01T10:07:00Z".parse().ok(),
            to: "2026-11-20T11:11:00Z".parse().ok(),
            search: search(),
            sort,
        };
        let page = store.list_conversations(&filter, &paging()).await.expect("a page");
        assert_eq!((page.items.len(), page.next_cursor), (0, None));
    }
    let id = ExchangeId::from_external("x");
    assert_eq!(store.find_conversation(id).await.expect("answers"), None);
    assert_eq!(store.find_graph(id, 10).await.expect("answers"), None);
    assert!(store.list_titles(&[id]).await.expect("answers").is_empty());
    assert!(store.list_beginnings(id).await.expect("answers").is_empty());
}

async fn every_condition_on_usage_is_a_statement(store: TestStore) {
    let all = GroupBy { domain: true, account: true, model: true, request_type: true };
    for filter in [UsageFilter::default(), usage_filter()] {
        assert_eq!(store.sum_usage(&filter).await.expect("a sum").requests, 0);
        for group in [GroupBy::default(), all] {
            let buckets = store.list_usage(&filter, 60, group).await.expect("buckets");
            assert_eq!(buckets, []);
        }
        let edges = [100, 200, 250, 350_i64].map(|hours| Timestamp::UNIX_EPOCH + hours.hours());
        let buckets = store.list_usage_between(&filter, &edges, all).await.expect("buckets");
        assert_eq!(buckets, []);
        let activity = store.sample_activity(&filter, &filter, &edges).await.expect("a sample");
        assert_eq!(activity, Activity { course: vec![0; 3], ..Activity::default() });
    }
    assert_eq!(store.list_domains().await.expect("domains"), []);
    assert_eq!(store.list_accounts().await.expect("accounts"), []);
    assert_eq!(store.list_windows().await.expect("windows"), []);
}

async fn words_of_any_kind_are_no_error(store: TestStore) {
    for text in ["...", "\"\"", "AND", "a* OR b", "NEAR(x)", "it's", "ü:ß", "col:x", "🦀", "'; --"]
    {
        let search = Search::parse(text, &TimeZone::UTC).expect("a search");
        let filter = ConversationFilter { search, ..ConversationFilter::default() };
        let page = store.list_conversations(&filter, &Paging::default()).await;
        assert_eq!(page.expect(text).items, [], "{text}");
    }
}

store_tests!(
    every_condition_on_exchanges_is_a_statement,
    every_condition_on_conversations_is_a_statement,
    every_condition_on_usage_is_a_statement,
    words_of_any_kind_are_no_error,
);
