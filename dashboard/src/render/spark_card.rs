//! Recommendations of the Spark tool as a card.

use nexus_messages::transcript::ToolOutcome;
use serde_json::Value;

use super::{json::cut, markdown};
use crate::view::escape;

/// The tool whose results are cards.
const TOOL: &str = "mcp__spark__get_recommendation";

/// What a recommendation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    pub session_id: String,
    pub query: Option<String>,
    /// Markdown.
    pub text: String,
}

/// The recommendation in a tool's result; `None` for other tools and for results without a session.
pub fn recommendation(tool: &str, outcome: &ToolOutcome) -> Option<Recommendation> {
    if tool != TOOL || outcome.is_error {
        return None;
    }
    let text = outcome.text();
    let json: Value = serde_json::from_str(&text).ok()?;
    let field = |names: &[&str]| {
        names.iter().find_map(|name| json.get(name).and_then(Value::as_str)).map(str::to_owned)
    };
    Some(Recommendation {
        session_id: field(&["session_id", "sessionId"])?,
        query: field(&["request", "query"]),
        text: field(&["response", "recommendation", "content", "text"])
            .or_else(|| field(&["error_message"]))
            .unwrap_or_else(|| format!("```json\n{json:#}\n```")),
    })
}

/// The card; its feedback form is fetched by the page, because it needs the visitor's token.
pub(super) fn html(card: &Recommendation) -> String {
    let query = card
        .query
        .as_deref()
        .map(|query| format!("<p class=\"soft\">{}</p>", escape(&cut(query, 1000))))
        .unwrap_or_default();
    format!(
        "<section class=\"spark-card\" aria-label=\"Recommendation\"><header>Spark recommendation</header><div class=\"body\">{query}<div class=\"md\">{}</div></div></section>",
        markdown(&card.text)
    )
}

#[cfg(test)]
mod tests {
    use nexus_messages::transcript::Content;

    use super::*;

    #[test]
    fn only_a_result_with_a_session_is_a_card() {
        let outcome = |text: &str| ToolOutcome {
            id: "r".into(),
            is_error: false,
            content: vec![Content::Text { text: text.into() }],
        };
        let card = recommendation(
            TOOL,
            &outcome(r##"{"session_id":"s1","response":"# Do","feedback":"None"}"##),
        )
        .expect("a card");
        assert_eq!((card.session_id.as_str(), card.text.as_str()), ("s1", "# Do"));
        let other = recommendation(TOOL, &outcome(r#"{"session_id":"s1","steps":["Do"]}"#));
        assert!(html(&other.expect("a card")).contains("steps"), "it is shown as it came");
        assert_eq!(recommendation(TOOL, &outcome("plain")), None);
        assert_eq!(recommendation("Bash", &outcome(r#"{"session_id":"s"}"#)), None);
    }
}
