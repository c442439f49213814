//! A report as Markdown.

use std::fmt::Write;

use super::data::{
    ActionItem, Analysis, ConversationQuality, InteractionPatterns, PromptingTip, TechnicalDetails,
};

/// Renders a report. Its texts are the model's own Markdown; whoever shows them sanitises them.
pub(super) fn render(analysis: &Analysis) -> String {
    let mut page = Page::default();
    page.section("Summary", &analysis.summary);
    page.bullets("Key topics", &analysis.key_topics);
    page.section("What was wanted", &analysis.user_intent);
    page.section("Sentiment", analysis.sentiment.shown());
    page.bullets("Outcomes", &analysis.outcomes);
    page.items("Action items", analysis.action_items.iter().map(action));
    page.items("Prompting tips", analysis.prompting_tips.iter().map(tip));
    page.items("Interaction", patterns(&analysis.interaction_patterns));
    page.items("Technical details", technical(&analysis.technical_details));
    page.items("Quality", quality(&analysis.conversation_quality));
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn section(&mut self, title: &str, text: &str) {
        if !text.trim().is_empty() {
            if !self.0.is_empty() {
                self.0.push('\n');
            }
            // Writing to a string does not fail.
            let _ = writeln!(self.0, "## {title}\n\n{}", text.trim());
        }
    }

    fn bullets(&mut self, title: &str, lines: &[String]) {
        self.items(title, lines.iter().cloned());
    }

    fn items(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        let lines = lines.into_iter().map(|line| format!("- {}", indented(&line)));
        self.section(title, &lines.collect::<Vec<_>>().join("\n"));
    }
}

/// The lines of an item belong to it.
fn indented(text: &str) -> String {
    text.trim().replace('\n', "\n  ")
}

fn action(item: &ActionItem) -> String {
    let priority = item.priority.map(|level| format!(" ({} priority)", level.shown()));
    format!("**{}**{}: {}", item.kind.shown(), priority.unwrap_or_default(), item.description)
}

fn tip(tip: &PromptingTip) -> String {
    let mut text = format!("**{}**: {}\n\n{}", tip.category.shown(), tip.issue, tip.suggestion);
    if let Some(example) = &tip.example {
        let _ = write!(text, "\n\n> {}", example.trim().replace('\n', "\n> "));
    }
    text
}

fn patterns(patterns: &InteractionPatterns) -> Vec<String> {
    let mut lines = vec![
        format!("Prompt clarity: {} of 10", patterns.prompt_clarity),
        format!("Completeness of context: {} of 10", patterns.context_completeness),
        format!("Follow-ups: {}", patterns.follow_up_effectiveness.shown()),
    ];
    lines.extend(patterns.strengths.iter().map(|text| format!("Strength: {text}")));
    lines.extend(patterns.common_issues.iter().map(|text| format!("Issue: {text}")));
    lines
}

fn technical(details: &TechnicalDetails) -> Vec<String> {
    let mut lines = Vec::new();
    if !details.frameworks.is_empty() {
        lines.push(format!("Frameworks: {}", details.frameworks.join(", ")));
    }
    lines.extend(details.issues.iter().map(|text| format!("Issue: {text}")));
    lines.extend(details.solutions.iter().map(|text| format!("Solution: {text}")));
    lines.extend(
        details.tool_usage_efficiency.map(|word| format!("Use of tools: {}", word.shown())),
    );
    let context = details.context_window_management;
    lines.extend(context.map(|word| format!("Use of the context window: {}", word.shown())));
    lines
}

fn quality(quality: &ConversationQuality) -> Vec<String> {
    let line = |name: &str, word: &str, improvement: &Option<String>| match improvement {
        Some(improvement) => format!("{name}: {word}. {improvement}"),
        None => format!("{name}: {word}"),
    };
    vec![
        line("Clarity", quality.clarity.shown(), &quality.clarity_improvement),
        line("Completeness", quality.completeness.shown(), &quality.completeness_improvement),
        line("Effectiveness", quality.effectiveness.shown(), &quality.effectiveness_improvement),
    ]
}
