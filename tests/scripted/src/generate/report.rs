//! What a model says of a generated conversation that it is asked to analyse.

use serde_json::{Value, json};

use super::{random::Random, words};

/// What is behind a reason.
struct Lesson {
    topic: &'static str,
    issue: &'static str,
    solution: &'static str,
}

/// One for each of [`words::REASONS`], in their order.
static LESSONS: [Lesson; words::REASONS.len()] = [
    Lesson {
        topic: "edge cases",
        issue: "An empty list reached code that takes its first element.",
        solution: "Return early for an empty list, with a test of its own.",
    },
    Lesson {
        topic: "error handling",
        issue: "An exception during rendering left nothing but a blank page.",
        solution: "Catch the failure at the page's border and say there what went wrong.",
    },
    Lesson {
        topic: "time zones",
        issue: "Local times were written out as if they were UTC.",
        solution: "Keep instants in UTC and convert them where they are shown.",
    },
    Lesson {
        topic: "performance",
        issue: "One query ran for each row instead of one for the page.",
        solution: "Fetch the rows with one query, and measure before and after.",
    },
    Lesson {
        topic: "types",
        issue: "A field had become optional on one side only.",
        solution: "Describe the shape once and derive both sides from it.",
    },
    Lesson {
        topic: "readability",
        issue: "One function made three decisions and named none of them.",
        solution: "Give each decision a function with a name that says what is decided.",
    },
    Lesson {
        topic: "code quality",
        issue: "An earlier change had left unused variables behind.",
        solution: "Remove them, and let the linter run before each commit.",
    },
    Lesson {
        topic: "resources",
        issue: "An early return left its connection open.",
        solution: "Tie the connection to its scope, so that every way out closes it.",
    },
];

const FRAMEWORKS: [[&str; 2]; 5] = [
    ["Rust", "cargo test"],
    ["TypeScript", "React"],
    ["Python", "pytest"],
    ["Go", "testing"],
    ["PostgreSQL", "SQL migrations"],
];

/// How a conversation went.
struct Course {
    sentiment: &'static str,
    ending: &'static str,
    outcome: &'static str,
    follow_up: &'static str,
    tools: &'static str,
    context: &'static str,
    clarity: &'static str,
    completeness: &'static str,
    effectiveness: &'static str,
    improvement: &'static str,
    strength: &'static str,
    weakness: &'static str,
    /// The lowest score, in halves of a point.
    score: u64,
}

const COURSES: [Course; 4] = [
    Course {
        sentiment: "positive",
        ending: "It ended with a small change that its tests cover.",
        outcome: "All tests passed after the last edit.",
        follow_up: "excellent",
        tools: "optimal",
        context: "efficient",
        clarity: "high",
        completeness: "complete",
        effectiveness: "highly_effective",
        improvement: "Say how far neighbouring code may change.",
        strength: "The first prompt names what to change and why.",
        weakness: "What must stay as it is was not said.",
        score: 15,
    },
    Course {
        sentiment: "neutral",
        ending: "The change works; its effect was not measured.",
        outcome: "The tests that exist passed, and no new one was written.",
        follow_up: "good",
        tools: "good",
        context: "acceptable",
        clarity: "medium",
        completeness: "complete",
        effectiveness: "effective",
        improvement: "Name the command that shows the result.",
        strength: "Follow-ups come one at a time and build on the answer before.",
        weakness: "It was left open when the task is done.",
        score: 12,
    },
    Course {
        sentiment: "mixed",
        ending: "A first attempt was taken back, the second one was kept.",
        outcome: "Two of the three places that were found are mended.",
        follow_up: "good",
        tools: "could_improve",
        context: "acceptable",
        clarity: "medium",
        completeness: "partial",
        effectiveness: "effective",
        improvement: "List the open points before the session is summarised.",
        strength: "The wrong turn was noticed early and said plainly.",
        weakness: "Files that were read already were read again after the summary.",
        score: 9,
    },
    Course {
        sentiment: "negative",
        ending: "The cause was not found, and the change hides it at best.",
        outcome: "The symptom is gone, its cause is still there.",
        follow_up: "needs_improvement",
        tools: "could_improve",
        context: "wasteful",
        clarity: "low",
        completeness: "incomplete",
        effectiveness: "needs_improvement",
        improvement: "Begin with the steps that show the fault, and the text of the error.",
        strength: "The goal stayed the same all along.",
        weakness: "Several tasks were mixed into one session.",
        score: 5,
    },
];

struct Tip {
    category: &'static str,
    issue: &'static str,
    suggestion: &'static str,
    /// Empty: none.
    example: &'static str,
}

const TIPS: [Tip; 6] = [
    Tip {
        category: "specificity",
        issue: "“{task}” names no file, so that the first steps went into searching for one.",
        suggestion: "Point to the file, or to the function, that you would open yourself.",
        example: "Look at `{file}` first: {thing} is built there.",
    },
    Tip {
        category: "context",
        issue: "How the fault shows was not said, and the agent had to guess.",
        suggestion: "Paste the error or the failing test, shortened to what matters.",
        example: "",
    },
    Tip {
        category: "structure",
        issue: "Cause, wish and constraints stood in one sentence.",
        suggestion: "Give each a line of its own; the agent then works them off one by one.",
        example: "Goal: {thing} works again.\nKeep: the public functions of `{file}`.\nDone when: its tests pass.",
    },
    Tip {
        category: "clarity",
        issue: "“Works again” can mean that it compiles, that tests pass or that users see it.",
        suggestion: "Say which of them counts, and how it is checked.",
        example: "",
    },
    Tip {
        category: "efficiency",
        issue: "Tests ran after every edit, the slow ones among them.",
        suggestion: "Name the one test to run while working, and keep the whole suite for the end.",
        example: "While you work, run only the tests of `{file}`.",
    },
    Tip {
        category: "context",
        issue: "A decision from before the summary was made a second time.",
        suggestion: "Have decisions written into a file that outlives the context window.",
        example: "",
    },
];

/// Tips of a report.
const SOME: usize = 3;

/// What the conversation is about.
struct Subject<'a> {
    /// The first prompt, without courtesies.
    task: &'a str,
    thing: &'static str,
    file: &'static str,
    lesson: &'static Lesson,
    course: &'static Course,
}

impl<'a> Subject<'a> {
    fn new(random: &mut Random, prompt: &'a str) -> Self {
        let thing = words::THINGS.into_iter().find(|thing| prompt.contains(thing));
        let reason = words::REASONS.iter().position(|reason| prompt.contains(reason));
        Self {
            task: prompt.trim_start_matches("Please "),
            thing: thing.unwrap_or("the code"),
            file: words::file(random),
            lesson: &LESSONS[reason.unwrap_or(0)],
            course: one(random, &COURSES),
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{task}", self.task)
            .replace("{thing}", self.thing)
            .replace("{file}", self.file)
    }

    fn tip(&self, tip: &Tip) -> Value {
        let mut told = json!({
            "category": tip.category, "issue": self.fill(tip.issue), "suggestion": tip.suggestion,
        });
        if !tip.example.is_empty() {
            told["example"] = self.fill(tip.example).into();
        }
        told
    }

    fn summary(&self) -> String {
        format!(
            "The user asked the agent to {} The agent read {} and the code around it, made its \
             change and ran the tests. {}",
            self.task, self.file, self.course.ending
        )
    }
}

/// An analysis in the schema of Nexus, of a conversation that began with `prompt`. The same `seed`
/// gives the same.
pub fn report(seed: u64, prompt: &str) -> Value {
    let mut random = Random::new(seed);
    let subject = Subject::new(&mut random, prompt);
    let Subject { thing, file, lesson, course, .. } = &subject;
    let frameworks = one(&mut random, &FRAMEWORKS);
    let tips = some(&mut random, &TIPS, SOME);
    json!({"analysis": {
        "summary": subject.summary(),
        "keyTopics": [thing.trim_start_matches("the "), lesson.topic, frameworks[0], "tests"],
        "sentiment": course.sentiment,
        "userIntent": format!("To have {thing} mended for good, and to know why it was wrong."),
        "outcomes": [format!("{file} was changed."), course.outcome],
        "actionItems": [
            {"type": "task", "description": format!("Review the change to {file}."), "priority": "high"},
            {"type": "prompt_improvement", "description": course.improvement, "priority": "medium"},
            {"type": "prompt_improvement", "description": tips[0].suggestion, "priority": "medium"},
            {"type": "follow_up", "description": format!("Look for the same fault beside {thing}."), "priority": "low"},
        ],
        "promptingTips": tips.iter().map(|tip| subject.tip(tip)).collect::<Vec<_>>(),
        "interactionPatterns": {
            "promptClarity": score(&mut random, course),
            "contextCompleteness": score(&mut random, course),
            "followUpEffectiveness": course.follow_up,
            "commonIssues": [course.weakness],
            "strengths": [course.strength],
        },
        "technicalDetails": {
            "frameworks": frameworks, "issues": [lesson.issue], "solutions": [lesson.solution],
            "toolUsageEfficiency": course.tools, "contextWindowManagement": course.context,
        },
        "conversationQuality": {
            "clarity": course.clarity,
            "completeness": course.completeness,
            "effectiveness": course.effectiveness,
            "effectivenessImprovement": course.improvement,
        },
    }})
}

/// The same from a model that does not keep to the schema: Markdown.
pub fn prose(seed: u64, prompt: &str) -> String {
    let mut random = Random::new(seed);
    let subject = Subject::new(&mut random, prompt);
    let Subject { lesson, course, .. } = &subject;
    let advice = some(&mut random, &TIPS, SOME);
    let advice = advice.iter().enumerate().map(|(place, tip)| {
        format!("{}. {} **{}**", place + 1, subject.fill(tip.issue), tip.suggestion)
    });
    format!(
        "## What happened\n\n{}\n\n## What was learnt\n\n- {}\n- {}\n\n## What to try next time\n\n{}\n\n\
         > {}\n",
        subject.summary(),
        lesson.issue,
        lesson.solution,
        advice.collect::<Vec<_>>().join("\n"),
        course.strength,
    )
}

/// 0 to 10, in steps of a half.
fn score(random: &mut Random, course: &Course) -> f64 {
    let halves = random.between(course.score, course.score + 4);
    f64::from(u32::try_from(halves).unwrap_or(0)) / 2.0
}

fn one<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    let place = usize::try_from(random.below(from.len() as u64)).unwrap_or(0);
    &from[place]
}

/// `count` neighbours, the last one's being the first.
fn some<'a, T>(random: &mut Random, from: &'a [T], count: usize) -> Vec<&'a T> {
    let start = usize::try_from(random.below(from.len() as u64)).unwrap_or(0);
    from.iter().cycle().skip(start).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "Please fix the login form: the time zone is wrong.";

    #[test]
    fn the_same_seed_says_the_same_and_another_one_does_not() {
        assert_eq!(report(7, PROMPT), report(7, PROMPT));
        assert_eq!(prose(7, PROMPT), prose(7, PROMPT));
        assert!((0..9).any(|seed| report(seed, PROMPT) != report(7, PROMPT)));
    }

    #[test]
    fn it_speaks_of_the_conversation() {
        for text in [report(7, PROMPT).to_string(), prose(7, PROMPT)] {
            assert!(text.contains("asked the agent to fix the login form"), "{text}");
            assert!(text.contains("as if they were UTC"), "{text}");
            assert!(!text.contains('{') || text.starts_with('{'), "a place is left open: {text}");
        }
        let report = report(7, PROMPT).to_string();
        for place in ["{task}", "{thing}", "{file}"] {
            assert!(!report.contains(place), "{report}");
        }
    }

    #[test]
    fn another_prompt_is_told_of_all_the_same() {
        let said = report(1, "Hello")["analysis"]["summary"].to_string();
        assert!(said.contains("Hello"), "{said}");
    }
}
