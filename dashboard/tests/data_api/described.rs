//! The description is true: every route is called, and its answer is as described.

use actix_web::http::{Method, StatusCode};
use nexus_store::{store_tests, testing::TestStore};
use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, KEY, filled},
    schema,
};

const METHODS: [&str; 2] = ["get", "post"];

async fn every_route_answers_as_described(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    asked_for(&fixture, &description).await;
    let paths = description["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        let get = &operations["get"];
        // A stream without end, and what Spark answers.
        if get.is_null() || path == "/api/events" || path.contains("/spark/") {
            continue;
        }
        let addresses = addresses(&fixture, path).await;
        assert!(!addresses.is_empty(), "{path} is not called");
        for address in addresses {
            holds(&fixture, &description, get, &address).await;
        }
    }
}

/// Asks for analyses, twice each, and runs one of them again.
async fn asked_for(fixture: &Fixture, description: &Value) {
    let operation = &description["paths"]["/api/analyses"]["post"];
    for (conversation, branch) in branches(fixture).await {
        let wanted = json!({"conversationId": conversation, "branchId": branch}).to_string();
        for expected in [StatusCode::CREATED, StatusCode::OK] {
            let (status, body) = fixture.post("/api/analyses", &wanted).await;
            assert_eq!(status, expected, "{body}");
            is_as_described(description, operation, status, &body, "/api/analyses");
        }
    }
    let (conversation, branch) = branches(fixture).await.remove(0);
    let path = "/api/analyses/{conversation}/{branch}/regenerate";
    let address = path.replace("{conversation}", &conversation).replace("{branch}", &branch);
    let (status, body) = fixture.post(&address, r#"{"customPrompt":"in verse"}"#).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    is_as_described(description, &description["paths"][path]["post"], status, &body, &address);
    let (status, body) = fixture.post("/api/mcp/sync", "").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{body}");
    let sync = &description["paths"]["/api/mcp/sync"]["post"];
    is_as_described(description, sync, status, &body, "/api/mcp/sync");
}

/// The first branch of some conversations: a visitor may ask for 15 analyses a minute.
async fn branches(fixture: &Fixture) -> Vec<(String, String)> {
    let mut branches = Vec::new();
    for id in conversations(fixture).await.into_iter().take(5) {
        let graph = fixture.json(&format!("/api/conversations/{id}")).await;
        let branch = graph["branches"][0]["branchId"].as_str().expect("a branch").to_owned();
        branches.push((id, branch));
    }
    branches
}

async fn conversations(fixture: &Fixture) -> Vec<String> {
    let list = fixture.json("/api/conversations").await;
    let list = list["conversations"].as_array().expect("a list").iter();
    list.filter_map(|one| one["conversationId"].as_str()).map(str::to_owned).collect()
}

/// With ids where the path wants some.
async fn addresses(fixture: &Fixture, path: &str) -> Vec<String> {
    let requests = || fixture.sent.iter().step_by(7).map(|one| one.id.to_string());
    match path {
        "/api/conversations/{id}" => {
            conversations(fixture).await.iter().map(|id| path.replace("{id}", id)).collect()
        }
        "/api/requests/{id}/body/{part}" => requests()
            .flat_map(|id| ["request", "response"].map(|part| (id.clone(), part)))
            .map(|(id, part)| path.replace("{id}", &id).replace("{part}", part))
            .collect(),
        "/api/analyses/{conversation}/{branch}" => branches(fixture)
            .await
            .iter()
            .map(|(id, branch)| path.replace("{conversation}", id).replace("{branch}", branch))
            .collect(),
        "/api/mcp/prompts/{name}" => vec![path.replace("{name}", "review")],
        "/api/requests/{id}" => requests().map(|id| path.replace("{id}", &id)).collect(),
        _ => vec![path.to_owned()],
    }
}

async fn holds(fixture: &Fixture, description: &Value, operation: &Value, address: &str) {
    let (status, body) = fixture.get(address).await;
    assert_eq!(status, StatusCode::OK, "{address}: {body}");
    is_as_described(description, operation, status, &body, address);
}

fn is_as_described(
    description: &Value,
    operation: &Value,
    status: StatusCode,
    body: &str,
    address: &str,
) {
    let described = &operation["responses"][status.as_str()]["content"];
    let content = described.as_object().unwrap_or_else(|| panic!("{address}: {status}"));
    let (kind, content) = content.iter().next().expect("one kind");
    if kind == "application/json" {
        let value = serde_json::from_str(body).expect("JSON");
        let wrong = schema::errors(description, &content["schema"], &value, "");
        assert!(wrong.is_empty(), "{address}: {wrong:#?}");
    }
}

async fn a_wrong_value_of_any_parameter_is_named(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for reference in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let pointer = reference["$ref"].as_str().expect("a reference").trim_start_matches('#');
            let parameter = description.pointer(pointer).expect("described");
            let (name, is_free) = (parameter["name"].as_str().expect("a name"), is_free(parameter));
            if is_free || path == "/api/events" || path.contains('{') {
                continue;
            }
            let address = format!("{path}?{name}=%F0%9F%A6%80%00");
            let (status, body) = fixture.get(&address).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{address}: {body}");
            assert!(body.contains(&format!("`{name}`")), "{address}: {body}");
        }
    }
}

/// Any text does.
fn is_free(parameter: &Value) -> bool {
    let name = parameter["name"].as_str().unwrap_or_default();
    parameter["in"] == "path"
        || ["domain", "accountId", "model", "branchId", "q", "search"].contains(&name)
}

async fn no_input_is_an_error_of_ours(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    let values = [
        "",
        "%00",
        "%27%22%5C--",
        "%25_%25",
        "99999999999999999999",
        "-1",
        "0",
        "%F0%9F%A6%80",
        "9999-12-31",
        "-009999-01-01",
        "1e9",
        "*",
        "has:error%20tokens:%3E1%20%22a%20b%22%20model:x",
    ];
    for (path, operations) in description["paths"].as_object().expect("paths") {
        if operations["get"].is_null() || path == "/api/events" || path.contains("/spark/") {
            continue;
        }
        for reference in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let pointer = reference["$ref"].as_str().expect("a reference").trim_start_matches('#');
            let name =
                description.pointer(pointer).expect("described")["name"].as_str().expect("a name");
            for value in values {
                let address = if path.contains('{') {
                    with_hostile_places(path, if value.is_empty() { "x" } else { value })
                } else {
                    format!("{path}?{name}={value}")
                };
                let (status, body) = fixture.get(&address).await;
                assert!(status.as_u16() < 500, "{address}: {status} {body}");
            }
        }
    }
}

/// Bodies that no client of ours would send.
async fn no_body_is_an_error_of_ours(store: TestStore) {
    let fixture = filled(store).await;
    let (conversation, branch) = branches(&fixture).await.remove(0);
    let asked = json!({"conversationId": conversation, "branchId": branch,
        "customPrompt": "a \u{0} in it"})
    .to_string();
    let deep = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
    let bodies = [
        "{",
        "[]",
        "null",
        "\"\"",
        "{}",
        "\u{0}",
        &deep,
        &asked,
        r#"{"conversationId":1,"branchId":null}"#,
        r#"{"conversationId":"\u0000","branchId":"\u0000"}"#,
        r#"{"customPrompt":"\ud800"}"#,
    ];
    let regenerate = format!("/api/analyses/{conversation}/{branch}/regenerate");
    for path in ["/api/analyses", &regenerate, "/api/analyses/x/%00/regenerate", "/api/mcp/sync"] {
        for body in bodies {
            let (status, said) = fixture.post(path, body).await;
            assert!(status.as_u16() < 500, "{path} {body:.60}: {status} {said}");
            let said: Value = serde_json::from_str(&said).expect("JSON");
            assert!(status.is_success() || said["error"]["code"].is_string(), "{path}: {said}");
        }
    }
}

/// What is known already, and what is no line; taking new ones in needs the roles behind the stream.
async fn an_import_answers_as_described(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    let operation = &description["paths"]["/api/import"]["post"];
    let known = json!({
        "id": fixture.sent[0].id, "at": fixture.sent[0].at, "domain": "team.example",
        "request": {"method": "POST", "path": "/v1/messages", "headers": {}, "body": {}},
        "response": {"status": 200, "headers": {}, "body": {}},
        "durationMs": 5, "state": "completed",
    });
    let (status, body) = fixture.post("/api/import", &format!("{known}\n\nno JSON\n")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    is_as_described(&description, operation, status, &body, "/api/import");
    let report: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&report["accepted"], &report["duplicates"]), (&json!(0), &json!(1)), "{report}");
    assert_eq!(report["rejectedCount"], 1, "{report}");
    assert_eq!(report["rejected"][0]["line"], 3, "{report}");
}

/// Another method than a route's own is refused in the API's words.
async fn another_method_is_named(store: TestStore) {
    let fixture = filled(store).await;
    for (method, path) in [
        (Method::POST, "/api/stats"),
        (Method::DELETE, "/api/requests"),
        (Method::GET, "/api/import"),
    ] {
        let (status, body) = fixture.ask(method, path, Some(KEY), Vec::new()).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}: {body}");
        assert!(body.contains("method_not_allowed"), "{path}: {body}");
    }
}

/// The path with `value` in every place.
fn with_hostile_places(path: &str, value: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { value } else { part });
    parts.collect::<Vec<_>>().join("/")
}

async fn nobody_reads_without_the_key(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in METHODS.iter().filter(|method| !operations[**method].is_null()) {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let address = path.replace(['{', '}'], "");
            let (status, body) = fixture.ask(method.clone(), &address, None, Vec::new()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {address}: {body}");
            let value: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(value["error"]["code"], "unauthorized");
        }
    }
    let (status, body) = fixture.ask(Method::GET, "/api/nothing", Some(KEY), Vec::new()).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
    let (status, _) = fixture.ask(Method::GET, "/api/stats", Some("wrong"), Vec::new()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

store_tests!(
    every_route_answers_as_described,
    a_wrong_value_of_any_parameter_is_named,
    no_input_is_an_error_of_ours,
    no_body_is_an_error_of_ours,
    an_import_answers_as_described,
    another_method_is_named,
    nobody_reads_without_the_key,
);
