//! A failure is told outside of Nexus.

use nexus_scripted::{Server, Slack};

use crate::rig::{ask, builder, gemini, job, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_analysis_is_told_to_slack() {
    let (gemini, slack) = (gemini(), Server::local(Slack::default()).expect("a port"));
    let nexus = builder("up", &gemini).env("SLACK_WEBHOOK_URL", format!("{}/hook", slack.url()));
    let nexus = nexus.env("SLACK_CHANNEL", "#analyses").start().await.expect("nexus starts");
    let branch = told(&nexus, "refused", "hello [[gemini status=400]]").await;
    ask(&nexus, &branch).await;
    let failed = job(&nexus, &branch, |job| job["status"] == "failed").await;
    assert_eq!(failed["error"]["code"], "refused");
    let told = slack.seen().until(|entries| !entries.is_empty()).await.remove(0).request.json();
    let text = told["text"].as_str().expect("a text");
    for part in ["team.example", "Gemini answered 400", &branch.conversation, "asked for by key"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(told["channel"], "#analyses");
}
