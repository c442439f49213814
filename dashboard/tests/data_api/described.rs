//! The description is true: every route is called, and its answer is as described.

use actix_web::http::{Method, StatusCode};
use nexus_store::{store_tests, testing::TestStore};
use serde_json::Value;

use crate::{
    fixture::{Fixture, KEY, filled},
    schema,
};

const METHODS: [&str; 2] = ["get", "post"];

async fn every_route_answers_as_described(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    let paths = description["paths"].as_object().expect("paths");
    let mut called = 0;
    for (path, operations) in paths {
        let get = &operations["get"];
        // A stream without end, and what Spark answers.
        if get.is_null() || path == "/api/events" || path.contains("/spark/") {
            continue;
        }
        for address in addresses(&fixture, path).await {
            holds(&fixture, &description, get, &address).await;
            called += 1;
        }
    }
    assert!(called > 15, "{called} addresses");
}

/// With ids where the path wants some.
async fn addresses(fixture: &Fixture, path: &str) -> Vec<String> {
    if !path.contains("{id}") {
        return vec![path.to_owned()];
    }
    let ids: Vec<String> = match path {
        "/api/requests/{id}" => {
            fixture.sent.iter().step_by(17).map(|one| one.id.to_string()).collect()
        }
        _conversations => {
            let list = fixture.json("/api/conversations").await;
            let list = list["conversations"].as_array().expect("a list").iter();
            list.filter_map(|one| one["conversationId"].as_str()).map(str::to_owned).collect()
        }
    };
    ids.iter().map(|id| path.replace("{id}", id)).collect()
}

async fn holds(fixture: &Fixture, description: &Value, operation: &Value, address: &str) {
    let (status, body) = fixture.get(address).await;
    assert_eq!(status, StatusCode::OK, "{address}: {body}");
    let content = operation["responses"]["200"]["content"].as_object().expect("content");
    let (kind, content) = content.iter().next().expect("one kind");
    if kind == "application/json" {
        let value = serde_json::from_str(&body).expect("JSON");
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
            if is_free || path == "/api/events" {
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
    parameter["in"] == "path" || ["domain", "accountId", "model", "branchId", "q"].contains(&name)
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
                let address = if path.contains("{id}") {
                    path.replace("{id}", if value.is_empty() { "x" } else { value })
                } else {
                    format!("{path}?{name}={value}")
                };
                let (status, body) = fixture.get(&address).await;
                assert!(status.as_u16() < 500, "{address}: {status} {body}");
            }
        }
    }
}

async fn nobody_reads_without_the_key(store: TestStore) {
    let fixture = filled(store).await;
    let description = fixture.json("/api/openapi.json").await;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in METHODS.iter().filter(|method| !operations[**method].is_null()) {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let address = path.replace("{id}", "x");
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
    nobody_reads_without_the_key,
);
