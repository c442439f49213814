//! The schema of a report. Its JSON twin, as Gemini is told it, is `prompt/schema.json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub analysis: Analysis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    pub summary: String,
    pub key_topics: Vec<String>,
    pub sentiment: Sentiment,
    pub user_intent: String,
    pub outcomes: Vec<String>,
    pub action_items: Vec<ActionItem>,
    pub prompting_tips: Vec<PromptingTip>,
    pub interaction_patterns: InteractionPatterns,
    pub technical_details: TechnicalDetails,
    pub conversation_quality: ConversationQuality,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionItem {
    #[serde(rename = "type")]
    pub kind: ActionKind,
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Level>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptingTip {
    pub category: TipCategory,
    pub issue: String,
    pub suggestion: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InteractionPatterns {
    /// 0 to 10.
    pub prompt_clarity: f64,
    /// 0 to 10.
    pub context_completeness: f64,
    pub follow_up_effectiveness: FollowUp,
    pub common_issues: Vec<String>,
    pub strengths: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TechnicalDetails {
    pub frameworks: Vec<String>,
    pub issues: Vec<String>,
    pub solutions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_usage_efficiency: Option<ToolUsage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window_management: Option<ContextUse>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationQuality {
    pub clarity: Level,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clarity_improvement: Option<String>,
    pub completeness: Completeness,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completeness_improvement: Option<String>,
    pub effectiveness: Effectiveness,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effectiveness_improvement: Option<String>,
}

/// An enum of words, each with how it reads in a sentence.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $wire:literal / $shown:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $wire)] $variant),+
        }

        impl $name {
            /// The word, to be read by people.
            pub const fn shown(self) -> &'static str {
                match self { $(Self::$variant => $shown),+ }
            }
        }
    };
}

words!(Sentiment {
    Positive = "positive" / "positive",
    Neutral = "neutral" / "neutral",
    Negative = "negative" / "negative",
    Mixed = "mixed" / "mixed",
});
words!(ActionKind {
    Task = "task" / "Task",
    PromptImprovement = "prompt_improvement" / "Prompt improvement",
    FollowUp = "follow_up" / "Follow-up",
});
words!(Level { High = "high" / "high", Medium = "medium" / "medium", Low = "low" / "low" });
words!(TipCategory {
    Clarity = "clarity" / "Clarity",
    Context = "context" / "Context",
    Structure = "structure" / "Structure",
    Specificity = "specificity" / "Specificity",
    Efficiency = "efficiency" / "Efficiency",
});
words!(FollowUp {
    Excellent = "excellent" / "excellent",
    Good = "good" / "good",
    NeedsImprovement = "needs_improvement" / "needs improvement",
});
words!(ToolUsage {
    Optimal = "optimal" / "optimal",
    Good = "good" / "good",
    CouldImprove = "could_improve" / "could improve",
});
words!(ContextUse {
    Efficient = "efficient" / "efficient",
    Acceptable = "acceptable" / "acceptable",
    Wasteful = "wasteful" / "wasteful",
});
words!(Completeness {
    Complete = "complete" / "complete",
    Partial = "partial" / "partial",
    Incomplete = "incomplete" / "incomplete",
});
words!(Effectiveness {
    HighlyEffective = "highly_effective" / "highly effective",
    Effective = "effective" / "effective",
    NeedsImprovement = "needs_improvement" / "needs improvement",
});

impl Report {
    /// Whether the scores are on their scale.
    pub fn is_in_range(&self) -> bool {
        let patterns = &self.analysis.interaction_patterns;
        let scale = 0.0..=10.0;
        scale.contains(&patterns.prompt_clarity) && scale.contains(&patterns.context_completeness)
    }

    /// As JSON; `None` never happens for what was read from JSON.
    pub fn to_value(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}
