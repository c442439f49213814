use serde_json::{Value, json};

use super::*;

fn sample() -> Value {
    json!({"analysis": {
        "summary": "A file was read. See https://example.com, system 42.",
        "keyTopics": ["files"],
        "sentiment": "positive",
        "userIntent": "To know what is in a file.",
        "outcomes": ["It was read."],
        "actionItems": [{"type": "prompt_improvement", "description": "Name the file", "priority": "high"},
            {"type": "task", "description": "Go on"}],
        "promptingTips": [{"category": "clarity", "issue": "vague", "suggestion": "be exact", "example": "Read\na.txt"}],
        "interactionPatterns": {"promptClarity": 7, "contextCompleteness": 6.5,
            "followUpEffectiveness": "needs_improvement", "commonIssues": [], "strengths": ["short"]},
        "technicalDetails": {"frameworks": ["Rust"], "issues": [], "solutions": [], "toolUsageEfficiency": "optimal"},
        "conversationQuality": {"clarity": "high", "completeness": "partial",
            "completenessImprovement": "Say when it is done.", "effectiveness": "highly_effective"}
    }})
}

#[test]
fn an_answer_of_the_schema_is_data_and_markdown() {
    let reading = read(&sample().to_string(), false);
    let data = reading.data.expect("data");
    assert_eq!(data["analysis"]["interactionPatterns"]["contextCompleteness"], 6.5);
    assert_eq!(data["analysis"]["actionItems"][1].get("priority"), None);
    for part in [
        "## Summary\n\nA file was read.",
        "- **Prompt improvement** (high priority): Name the file",
        "- **Clarity**: vague\n  \n  be exact\n  \n  > Read\n  > a.txt",
        "- Follow-ups: needs improvement",
        "- Completeness: partial. Say when it is done.",
    ] {
        assert!(reading.content.contains(part), "{part:?} in\n{}", reading.content);
    }
}

#[test]
fn a_fence_around_the_json_is_taken_off() {
    for fenced in [format!("```json\n{}\n```", sample()), format!("```\n{}```\n", sample())] {
        assert!(read(&fenced, false).data.is_some(), "{fenced}");
    }
}

#[test]
fn what_does_not_fit_is_text() {
    let with = |path: &str, value: Value| {
        let mut sample = sample();
        *sample.pointer_mut(path).expect("a field") = value;
        sample.to_string()
    };
    let mut incomplete = sample();
    incomplete["analysis"].as_object_mut().expect("an object").remove("summary");
    for text in [
        with("/analysis/sentiment", json!("ecstatic")),
        with("/analysis/interactionPatterns/promptClarity", json!(11)),
        with("/analysis/keyTopics", json!("files")),
        incomplete.to_string(),
        sample()["analysis"].to_string(),
        "{\"analysis\": {\"summary\": \"half".to_owned(),
        "# A report\n\nhttps://example.com system 42".to_owned(),
    ] {
        let reading = read(&text, false);
        assert_eq!((reading.content.as_str(), reading.data), (text.as_str(), None));
    }
}

#[test]
fn a_cut_answer_says_so() {
    assert!(read("{\"analysis\": {\"summ", true).content.contains("the answer is cut here"));
    assert!(read(&sample().to_string(), true).data.is_some());
}
