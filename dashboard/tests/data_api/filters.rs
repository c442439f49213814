//! Each filter, and each condition of the search field, gives the rows that meet it and no others.

use std::collections::BTreeSet;

use nexus_scripted::generate::{Exchange, Plan};
use nexus_store::{store_tests, testing::TestStore};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, over},
    sample::{exchange, now},
};

/// Domains, accounts, models, errors, sub-agents and compactions, and one conversation that forks.
async fn varied(store: TestStore) -> Fixture {
    let plan = Plan { seed: 5, conversations: 5, requests: 58, end: now(), days: 3 };
    let sent = plan.conversations().flatten().chain(fork()).collect();
    over(store, sent, now(), |_| {}).await
}

/// Parameters that sums have, too, and the field that each is about.
const OF_SUMS: [(&str, &str); 4] =
    [("domain", "domain"), ("accountId", "accountId"), ("model", "model"), ("type", "requestType")];

fn fork() -> Vec<Exchange> {
    let asked = json!({"role": "user", "content": "Where does the heron nest?"});
    let said = json!({"role": "assistant", "content": "By the river."});
    let question = |text: &str| json!([asked, said, {"role": "user", "content": text}]);
    let answer = json!([{"type": "text", "text": "By the river."}]);
    vec![
        exchange(1, "s", &json!([asked]), &answer),
        exchange(2, "s", &question("Which one?"), &answer),
        exchange(3, "s", &question("Since when?"), &answer),
    ]
}

/// A list, and all of its rows.
struct List<'a> {
    fixture: &'a Fixture,
    name: &'static str,
    id: &'static str,
    rows: Vec<Value>,
}

impl<'a> List<'a> {
    async fn requests(fixture: &'a Fixture) -> Self {
        Self::of(fixture, "requests", "requestId").await
    }

    async fn conversations(fixture: &'a Fixture) -> Self {
        Self::of(fixture, "conversations", "conversationId").await
    }

    async fn of(fixture: &'a Fixture, name: &'static str, id: &'static str) -> Self {
        let mut list = Self { fixture, name, id, rows: Vec::new() };
        list.rows = list.found("").await;
        list
    }

    async fn found(&self, query: &str) -> Vec<Value> {
        let mut answer = self.fixture.json(&format!("/api/{}?limit=500&{query}", self.name)).await;
        assert!(answer["nextCursor"].is_null(), "one page holds all");
        std::mem::take(answer[self.name].as_array_mut().expect("a list"))
    }

    /// The query tells rows apart, and gives those that meet the condition, in the list's order.
    async fn is_narrowed(&self, query: &str, meets: impl Fn(&Value) -> bool) {
        let id = |row: &Value| row[self.id].as_str().expect("an id").to_owned();
        let expected: Vec<_> = self.rows.iter().filter(|row| meets(row)).map(id).collect();
        let (some, all) = (expected.len(), self.rows.len());
        assert!(some > 0 && some < all, "{query} is met by {some} of {all}");
        let found: Vec<_> = self.found(query).await.iter().map(id).collect();
        assert_eq!(found, expected, "{query}");
    }

    /// What rows have in a field.
    fn values(&self, field: &str) -> BTreeSet<String> {
        self.rows.iter().filter_map(|row| text(&row[field])).collect()
    }
}

/// As a query has it.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

fn begins(row: &Value, field: &str, with: &str) -> bool {
    row[field].as_str().is_some_and(|text| text.starts_with(with))
}

fn contains(row: &Value, field: &str, part: &str) -> bool {
    row[field].as_str().is_some_and(|text| text.contains(part))
}

fn lists(row: &Value, field: &str, name: &str) -> bool {
    row[field].as_array().expect("a list").iter().any(|one| one == name)
}

fn is_error(row: &Value) -> bool {
    row["state"].as_str().is_some_and(|state| state != "completed")
}

fn at(row: &Value, field: &str) -> jiff::Timestamp {
    row[field].as_str().expect("a time").parse().expect("a time")
}

fn tokens(row: &Value) -> Option<u64> {
    let fields = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens"];
    fields.iter().map(|field| row[*field].as_u64()).sum()
}

fn costs(row: &Value, above: f64) -> bool {
    row["costUsd"].as_f64().is_some_and(|usd| usd > above)
}

async fn each_parameter_narrows_the_requests(store: TestStore) {
    let fixture = varied(store).await;
    let list = List::requests(&fixture).await;
    let more = [
        ("status", "responseStatus"),
        ("state", "state"),
        ("kind", "kind"),
        ("conversationId", "conversationId"),
        ("branchId", "branchId"),
    ];
    for (name, field) in OF_SUMS.into_iter().chain(more) {
        let values = list.values(field);
        assert!(values.len() > 1, "{field}: {values:?}");
        for value in values {
            let meets = |row: &Value| text(&row[field]).as_ref() == Some(&value);
            list.is_narrowed(&format!("{name}={value}"), meets).await;
        }
    }
    for class in ["2", "5"] {
        let meets = |row: &Value| {
            text(&row["responseStatus"]).is_some_and(|status| status.starts_with(class))
        };
        list.is_narrowed(&format!("status={class}xx"), meets).await;
    }
    let middle = at(&list.rows[list.rows.len() / 2], "timestamp");
    list.is_narrowed(&format!("from={middle}"), |row| at(row, "timestamp") >= middle).await;
    list.is_narrowed(&format!("to={middle}"), |row| at(row, "timestamp") < middle).await;
}

async fn each_condition_narrows_the_requests(store: TestStore) {
    let fixture = varied(store).await;
    let list = List::requests(&fixture).await;
    list.is_narrowed("q=has:error", is_error).await;
    list.is_narrowed("q=has:subtask", |row| row["isSubtask"] == true).await;
    list.is_narrowed("q=has:branch", |row| begins(row, "branchId", "branch_")).await;
    list.is_narrowed("q=has:compact", |row| begins(row, "branchId", "compact_")).await;
    list.is_narrowed("q=tool:agent", |row| lists(row, "toolNames", "Agent")).await;
    list.is_narrowed("q=model:HAIKU", |row| contains(row, "model", "haiku")).await;
    let either = |row: &Value| contains(row, "model", "haiku") || contains(row, "model", "sonnet");
    list.is_narrowed("q=model:haiku+model:sonnet", either).await;
    list.is_narrowed("q=account:acc_0002", |row| row["accountId"] == "acc_0002").await;
    list.is_narrowed("q=domain:SHOP.example", |row| row["domain"] == "shop.example").await;
    list.is_narrowed("q=tokens:%3E1k", |row| tokens(row) > Some(1_000)).await;
    let between = |row: &Value| tokens(row).is_some_and(|sum| (1_000..=2_000).contains(&sum));
    list.is_narrowed("q=tokens:1k..2k", between).await;
    list.is_narrowed("q=cost:%3E0.001", |row| costs(row, 0.001)).await;
    let middle = at(&list.rows[list.rows.len() / 2], "timestamp");
    list.is_narrowed(&format!("q=since:{middle}"), |row| at(row, "timestamp") >= middle).await;
    list.is_narrowed(&format!("q=before:{middle}"), |row| at(row, "timestamp") < middle).await;
    let all = |row: &Value| {
        row["domain"] == "lab.example"
            && row["kind"] == "turn"
            && tokens(row) > Some(1_000)
            && contains(row, "model", "haiku")
    };
    list.is_narrowed("domain=lab.example&kind=turn&q=tokens:%3E1k+model:haiku", all).await;
}

async fn each_filter_narrows_the_conversations(store: TestStore) {
    let fixture = varied(store).await;
    let requests = List::requests(&fixture).await;
    let list = List::conversations(&fixture).await;
    let of = |meets: fn(&Value) -> bool| {
        let rows = requests.rows.iter().filter(|row| row["kind"] != "auxiliary" && meets(row));
        let ids: BTreeSet<_> = rows.map(|row| row["conversationId"].to_string()).collect();
        move |row: &Value| ids.contains(&row["conversationId"].to_string())
    };
    for condition in ["has=", "q=has:"] {
        let has = |name: &str| format!("{condition}{name}");
        list.is_narrowed(&has("error"), of(is_error)).await;
        list.is_narrowed(&has("subtask"), of(|row| row["isSubtask"] == true)).await;
        // Not one that was only compacted.
        list.is_narrowed(&has("branch"), of(|row| begins(row, "branchId", "branch_"))).await;
        list.is_narrowed(&has("compact"), of(|row| row["kind"] == "compact")).await;
    }
    let both = |row: &Value| row["hasErrors"] == true && row["subtaskCount"].as_u64() > Some(0);
    list.is_narrowed("has=error,subtask", both).await;
    list.is_narrowed("domain=lab.example", |row| row["domain"] == "lab.example").await;
    list.is_narrowed("accountId=acc_0003", |row| lists(row, "accountIds", "acc_0003")).await;
    list.is_narrowed("q=account:acc_0003", |row| lists(row, "accountIds", "acc_0003")).await;
    list.is_narrowed("q=model:haiku", of(|row| contains(row, "model", "haiku"))).await;
    list.is_narrowed("q=tool:agent", of(|row| lists(row, "toolNames", "Agent"))).await;
    list.is_narrowed("q=tokens:%3E50k", |row| row["totalTokens"].as_u64() > Some(50_000)).await;
    list.is_narrowed("q=cost:%3E0.04", |row| costs(row, 0.04)).await;
    let middle = at(&list.rows[2], "firstMessageTime");
    for (since, before) in [("from=", "to="), ("q=since:", "q=before:")] {
        let is_later = |row: &Value| at(row, "lastMessageTime") >= middle;
        list.is_narrowed(&format!("{since}{middle}"), is_later).await;
        let is_earlier = |row: &Value| at(row, "firstMessageTime") < middle;
        list.is_narrowed(&format!("{before}{middle}"), is_earlier).await;
    }
}

/// Sums count what the list of the same filter holds.
async fn sums_take_the_filters_of_lists(store: TestStore) {
    let fixture = varied(store).await;
    let list = List::requests(&fixture).await;
    for (name, field) in OF_SUMS {
        for value in list.values(field) {
            let stats = fixture.json(&format!("/api/stats?{name}={value}")).await;
            let rows = list.rows.iter().filter(|row| row[field] == *value);
            let (mut requests, mut total) = (0, 0);
            for row in rows {
                requests += 1;
                total += tokens(row).unwrap_or(0);
            }
            assert_eq!(stats["totalRequests"].as_u64(), Some(requests), "{name}={value}");
            assert_eq!(stats["totalTokens"].as_u64(), Some(total), "{name}={value}");
        }
    }
}

store_tests!(
    each_parameter_narrows_the_requests,
    each_condition_narrows_the_requests,
    each_filter_narrows_the_conversations,
    sums_take_the_filters_of_lists,
);
