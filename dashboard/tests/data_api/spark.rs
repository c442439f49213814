//! Spark behind the data API: its key, its words, its silence.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use nexus_dashboard::SparkConfig;
use nexus_scripted::{Server, Spark};
use nexus_store::testing::sqlite;
use serde_json::{Value, json};

use crate::fixture::{Fixture, KEY, NOW, configured, filled};

const ROUTES: [(&str, &str); 3] = [
    ("POST", "/api/spark/feedback"),
    ("POST", "/api/spark/feedback/batch"),
    ("GET", "/api/spark/sessions/s1/feedback"),
];

async fn ask(fixture: &Fixture, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let (status, text) = fixture.ask(method, path, Some(KEY), body.to_string().into()).await;
    (status.as_u16(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}")))
}

async fn with(url: String, key: &str) -> Fixture {
    let spark =
        SparkConfig { timeout: Duration::from_millis(300), ..SparkConfig::new(url, key.into()) };
    configured(sqlite().await, NOW, |config| config.spark = Some(spark)).await
}

fn report(rating: u8) -> Value {
    let overall = json!({"rating": rating, "comments": "helped"});
    json!({"session_id": "s 1/../x", "feedback": {"recommendation_feedback": {"overall_feedback": overall}}})
}

#[tokio::test]
async fn feedback_goes_on_with_sparks_key() {
    let server = Server::local(Spark::new("spark-key")).expect("a port");
    let fixture = with(server.url(), "spark-key").await;
    assert_eq!(ask(&fixture, "POST", ROUTES[0].1, &report(5)).await.0, 201);
    let (status, one) =
        ask(&fixture, "GET", "/api/spark/sessions/s%201%2F..%2Fx/feedback", &json!({})).await;
    assert_eq!((status, &one["session_id"]), (200, &json!("s%201%2F..%2Fx")), "one segment: {one}");
    let wanted = json!({"session_ids": ["s 1/../x", "none"]});
    let (_, both) = ask(&fixture, "POST", ROUTES[1].1, &wanted).await;
    assert_eq!(both["results"]["s 1/../x"]["feedback"][0], report(5)["feedback"]);
    assert_eq!(both["results"]["none"]["feedback"], json!([]));
    for entry in server.seen().entries() {
        assert_eq!(entry.request.header("authorization"), Some("Bearer spark-key"));
    }
}

#[tokio::test]
async fn what_spark_says_is_passed_on_as_an_error_of_the_api() {
    let server = Server::local(Spark::new("spark-key")).expect("a port");
    let fixture = with(server.url(), "spark-key").await;
    let (status, wrong) = ask(&fixture, "POST", ROUTES[0].1, &report(6)).await;
    assert_eq!((status, &wrong["error"]["code"]), (422, &json!("elsewhere")));
    assert!(
        wrong["error"]["message"].as_str().is_some_and(|text| text.contains("rating")),
        "{wrong}"
    );
    for (session, expected) in [("broken", 502), ("slow", 504)] {
        let path = format!("/api/spark/sessions/{session}/feedback");
        assert_eq!(ask(&fixture, "GET", &path, &json!({})).await.0, expected, "{session}");
    }
    let (status, text) = fixture.ask(Method::POST, ROUTES[0].1, Some(KEY), b"{no".to_vec()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{text}");
}

#[tokio::test]
async fn a_wrong_key_for_spark_does_not_read_as_a_wrong_key_for_nexus() {
    let server = Server::local(Spark::new("spark-key")).expect("a port");
    let fixture = with(server.url(), "another").await;
    for (method, path) in ROUTES {
        let (status, answer) = ask(&fixture, method, path, &report(3)).await;
        assert_eq!(status, 502, "{path}: {answer}");
        assert!(
            answer["error"]["message"].as_str().is_some_and(|text| text.contains("SPARK_API_KEY"))
        );
    }
}

#[tokio::test]
async fn without_a_key_the_routes_are_unavailable() {
    let fixture = filled(sqlite().await).await;
    for (method, path) in ROUTES {
        let (status, answer) = ask(&fixture, method, path, &report(3)).await;
        assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")), "{path}");
    }
}

#[tokio::test]
async fn a_spark_that_is_away_is_a_bad_gateway() {
    let fixture = with("http://127.0.0.1:9".to_owned(), "k").await;
    assert_eq!(ask(&fixture, "GET", ROUTES[2].1, &json!({})).await.0, 502);
}
