//! Searches for what few exchanges have: they find all of it, and walk nothing else.

use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;
use nexus_store::{
    exchanges::{ExchangePart, Facts},
    queries::{
        ConversationFilter, ConversationSort, Cursor, Paging, RequestFilter, RequestSort, Search,
    },
    store_tests,
    testing::{TestStore, statements_of},
};

use crate::{
    lists::all_conversations,
    probe::{Place, Probe},
    sample::{at, id, request, response},
};

const EXCHANGES: u32 = 40;
/// The conversations take turns; what comes behind is not linked.
const CONVERSATIONS: u32 = 6;
const LINKED: u32 = 36;
/// Asked beside a conversation, with a tool that no other calls.
const AUXILIARY: u32 = 20;

fn conversation(number: u32) -> ExchangeId {
    id(number % CONVERSATIONS)
}

fn branch(number: u32) -> &'static str {
    match number {
        8 | 14 => "branch_101112",
        15 => "branch_131415",
        16 => "subtask_1",
        _others => "main",
    }
}

/// Conversations write it in two ways.
const fn calls_fetch(number: u32) -> Option<&'static str> {
    match number {
        2 | 9 | 11 | 27 | 30 | 38 => Some("WebFetch"),
        3 | 33 => Some("webfetch"),
        _others => None,
    }
}

fn tools(number: u32) -> Vec<String> {
    let rare = if number == AUXILIARY { Some("Beside") } else { calls_fetch(number) };
    let even = number.is_multiple_of(2).then_some("Edit");
    ["Bash"].into_iter().chain(rare).chain(even).map(str::to_owned).collect()
}

fn halves(number: u32) -> [ExchangePart; 2] {
    let mut said = response(number, b"said");
    if let Facts::Response(facts) = &mut said.facts {
        facts.tool_names = tools(number);
    }
    [request(number, b"asked"), said]
}

async fn fill(store: &TestStore) {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    let parts: Vec<_> = (1..=EXCHANGES).flat_map(halves).collect();
    store.write_exchanges(&parts).await.expect("stored");
    for number in 1..=LINKED {
        let kind = if number == AUXILIARY { "auxiliary" } else { "turn" };
        let branch = branch(number).to_owned();
        let place = Place { conversation: conversation(number).0, branch, kind };
        probe.place(id(number).0, &place).await;
    }
    let linked: Vec<_> = (1..=LINKED).map(id).collect();
    store.apply_links(&linked).await.expect("linked");
}

/// In the middle of them, more than a list would walk.
async fn crowd(store: &TestStore) {
    let values = format!("{} + i", at(EXCHANGES / 2).as_microsecond());
    Probe::open(&store.url).await.add_exchanges(10_100, "at", &values).await;
}

fn filter(search: &str) -> RequestFilter {
    let search = Search::parse(search, &TimeZone::UTC).expect("a search");
    RequestFilter { search, ..RequestFilter::default() }
}

/// Newest first.
fn those(is_one: impl Fn(u32) -> bool) -> Vec<ExchangeId> {
    (1..=EXCHANGES).rev().filter(|number| is_one(*number)).map(id).collect()
}

async fn page(
    store: &TestStore,
    filter: &RequestFilter,
    paging: &Paging,
) -> (Vec<ExchangeId>, Option<Cursor>) {
    let page = store.list_requests(filter, paging).await.expect("a page");
    (page.items.iter().map(|row| row.request_id).collect(), page.next_cursor)
}

async fn every_one_is_found(store: TestStore) {
    fill(&store).await;
    let is_fetch = |number: u32| calls_fetch(number).is_some();
    let found = [
        ("tool:webfetch", those(is_fetch)),
        ("tool:WebFetch tool:edit", those(|number| is_fetch(number) && number.is_multiple_of(2))),
        ("tool:webfetch number9", those(|number| number == 9)),
        ("tool:webfetch model:MODEL-2", those(|number| is_fetch(number) && number % 3 == 2)),
        ("tool:beside", those(|number| number == AUXILIARY)),
        ("tool:beside tool:webfetch", Vec::new()),
        ("tool:fetch", Vec::new()),
        ("model:model-1", those(|number| number % 3 == 1)),
        ("model:model-1 model:EL-2", those(|number| number % 3 != 0)),
        ("model:opus", Vec::new()),
        ("has:branch", those(|number| branch(number).starts_with("branch"))),
        ("has:branch model:model-2", those(|number| matches!(number, 8 | 14))),
        ("has:branch number14", those(|number| number == 14)),
        ("has:subtask", those(|number| number == 16)),
        ("has:compact", Vec::new()),
        ("has:branch has:subtask", Vec::new()),
    ];
    for (search, expected) in found {
        for sort in [RequestSort::Time, RequestSort::Duration] {
            let filter = RequestFilter { sort, ..filter(search) };
            let (found, _) = page(&store, &filter, &Paging::default()).await;
            assert_eq!(found, expected, "{search} by {sort:?}");
        }
    }
    let of = |branch: &str| RequestFilter { branch_id: Some(branch.to_owned()), ..filter("") };
    for branch_id in ["branch_101112", "subtask_1", "main", "compact_1"] {
        let (found, _) = page(&store, &of(branch_id), &Paging::default()).await;
        let is_linked = |number: u32| number <= LINKED && branch(number) == branch_id;
        assert_eq!(found, those(is_linked), "{branch_id}");
    }
    let one = RequestFilter { conversation_id: Some(conversation(8)), ..filter("has:branch") };
    assert_eq!(page(&store, &one, &Paging::default()).await.0, [14, 8].map(id));
}

/// Which conversations a page is made of depends on where it begins.
async fn pages_of_a_tool_are_its_list(store: TestStore) {
    fill(&store).await;
    crowd(&store).await;
    for search in ["tool:webfetch", "tool:edit", "tool:bash"] {
        let filter = filter(search);
        let (all, _) = page(&store, &filter, &Paging::default()).await;
        assert!(all.len() >= 8, "{search}");
        for limit in [1, 2, 5] {
            let mut paging = Paging { limit, ..Paging::default() };
            let mut paged = Vec::new();
            loop {
                let (mut found, next) = page(&store, &filter, &paging).await;
                paged.append(&mut found);
                if next.is_none() {
                    break;
                }
                paging.cursor = next;
            }
            assert_eq!(paged, all, "{search} by {limit}");
            for offset in 0..8 {
                let paging = Paging { limit, offset, ..Paging::default() };
                let (found, _) = page(&store, &filter, &paging).await;
                let rest = all.iter().skip(offset as usize).take(limit as usize);
                assert_eq!(found, rest.copied().collect::<Vec<_>>(), "{search} from {offset}");
            }
        }
    }
}

/// By pages of two.
async fn conversations(store: &TestStore, text: &str, sort: ConversationSort) -> Vec<ExchangeId> {
    let search = Search::parse(text, &TimeZone::UTC).expect("a search");
    let filter = ConversationFilter { search, sort, ..ConversationFilter::default() };
    all_conversations(store, &filter, 2).await
}

/// The list is walked, and those that words lead to are sorted.
async fn words_change_nothing_about_the_order_of_conversations(store: TestStore) {
    use ConversationSort::{Cost, Recent, Requests, Tokens};
    fill(&store).await;
    for sort in [Recent, Cost, Tokens, Requests] {
        let list = conversations(&store, "", sort).await;
        assert_eq!(list.len(), CONVERSATIONS as usize, "{sort:?}");
        for text in ["prompt", "\"with a\" zero", "prompt model:model", "answer tokens:>1"] {
            assert_eq!(conversations(&store, text, sort).await, list, "{text} by {sort:?}");
        }
        let one = conversations(&store, "prompt number27", sort).await;
        assert_eq!(one, [conversation(27)], "{sort:?}");
    }
}

/// However many call the tool or ask the model: of a crowd nothing but that is known.
async fn conversations_are_found_by_their_tools_and_models(store: TestStore) {
    fill(&store).await;
    let found = async |text: &str| {
        let search = Search::parse(text, &TimeZone::UTC).expect("a search");
        let filter = ConversationFilter { search, ..ConversationFilter::default() };
        let list = store.list_conversations(&filter, &Paging::default()).await.expect("a page");
        let counts = store.count_conversations(&filter).await.expect("counts");
        assert_eq!(counts.conversations, list.items.len() as u64, "{text}");
        list.items.iter().map(|one| one.conversation_id).collect::<Vec<_>>()
    };
    let fetching = [33, 30, 11, 2].map(conversation);
    let newest = [36, 35, 34, 33, 32, 31].map(conversation);
    for is_crowded in [false, true] {
        if is_crowded {
            crowd(&store).await;
            let probe = Probe::open(&store.url).await;
            for value in ["'tool', 'Bash'", "'model', 'model-2'"] {
                let values = format!(
                    "INSERT INTO conversation_values (conversation_id, field, value, count) \
                     SELECT exchange_id, {value}, 1 FROM exchanges WHERE domain = 'old.example'"
                );
                probe.run(&values).await;
            }
        }
        assert_eq!(found("tool:bash").await, newest);
        let mut of_fetch = found("tool:webfetch tool:bash").await;
        of_fetch.sort();
        let mut expected = fetching;
        expected.sort();
        assert_eq!(of_fetch, expected);
        assert_eq!(found("tool:fetch").await, []);
        assert_eq!(found("model:MODEL-1").await, [34, 31].map(conversation));
        assert_eq!(found("model:del-1 model:del-2").await, [35, 34, 32, 31].map(conversation));
        assert_eq!(found("model:model-2 tool:webfetch").await, [11, 2].map(conversation));
        assert_eq!(found("model:opus").await, []);
    }
}

/// An engine with statistics may do otherwise on a few rows; SQLite has none.
async fn an_index_leads_to_them(store: TestStore) {
    fill(&store).await;
    crowd(&store).await;
    let probe = Probe::open(&store.url).await;
    let branch = RequestFilter { branch_id: Some("branch_101112".to_owned()), ..filter("") };
    for (filter, step) in [
        (filter("tool:webfetch"), "exchanges_by_conversation (conversation_id=? AND at>?)"),
        (filter("tool:webfetch has:error"), "exchanges_by_conversation (conversation_id=?)"),
        (filter("model:model-1"), "exchanges_by_model (model=?)"),
        (filter("has:branch"), "exchanges_off_main (<expr>=?)"),
        (branch, "exchanges_off_main (<expr>=?)"),
    ] {
        let paging = Paging { limit: 2, ..Paging::default() };
        let (listed, statements) = statements_of(store.list_requests(&filter, &paging)).await;
        listed.expect("a page");
        let Some(list) = statements.last() else { panic!("{filter:?} takes no statement") };
        if store.engine() == "sqlite" {
            let plan = probe.rows(&format!("EXPLAIN QUERY PLAN {list}")).await;
            assert!(plan.iter().any(|line| line.contains(step)), "{list}: {plan:#?}");
            let walks = plan.iter().any(|line| line.contains("exchanges_by_time"));
            assert!(!walks, "{list}: {plan:#?}");
        }
    }
}

store_tests!(
    every_one_is_found,
    pages_of_a_tool_are_its_list,
    words_change_nothing_about_the_order_of_conversations,
    conversations_are_found_by_their_tools_and_models,
    an_index_leads_to_them,
);
