//! What people and agents say in generated sessions.

use super::random::Random;

const VERBS: [&str; 12] = [
    "fix", "add", "explain", "refactor", "test", "remove", "document", "speed up", "rename",
    "review", "port", "simplify",
];
pub(super) const THINGS: [&str; 16] = [
    "the login form",
    "the invoice export",
    "the retry loop",
    "the migration",
    "the cache key",
    "the parser",
    "the upload page",
    "the rate limiter",
    "the flaky test",
    "the webhook handler",
    "the search index",
    "the settings page",
    "the date picker",
    "the build script",
    "the error page",
    "the background worker",
];
pub(super) const REASONS: [&str; 8] = [
    "it fails on an empty list",
    "customers see a blank page",
    "the time zone is wrong",
    "it takes four seconds",
    "the types do not match any more",
    "nobody understands it",
    "the linter complains",
    "it leaks a connection",
];
const FILES: [&str; 10] = [
    "src/main.rs",
    "src/http/server.rs",
    "app/login.tsx",
    "lib/cache.py",
    "tests/invoice_test.go",
    "docs/setup.md",
    "migrations/0007_users.sql",
    "web/search.css",
    "scripts/deploy.sh",
    "src/jobs/worker.ts",
];
const MODELS: [&str; 4] =
    ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5-20251001", "claude-opus-4-5"];

pub(super) fn task(random: &mut Random) -> String {
    let verb = random.pick(&VERBS);
    let thing = random.pick(&THINGS);
    format!("Please {verb} {thing}: {}.", random.pick(&REASONS))
}

pub(super) fn file(random: &mut Random) -> &'static str {
    random.pick(&FILES)
}

pub(super) fn model(random: &mut Random) -> &'static str {
    random.pick(&MODELS)
}

pub(super) fn thought(random: &mut Random) -> String {
    format!("I should look at {} first, since {}.", file(random), random.pick(&REASONS))
}

pub(super) fn result(random: &mut Random) -> String {
    let file = file(random);
    match random.below(4) {
        0 => format!("{file}:{}: warning: unused variable `x`", random.between(1, 400)),
        1 => format!("test result: ok. {} passed; 0 failed", random.between(3, 240)),
        2 => format!("commit {}\n\n    {}", random.hex(40), task(random)),
        _lines => {
            let line = |line| format!("{line}\tfn step_{}() {{}}", random.below(90));
            (1..=9).map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

pub(super) fn report(random: &mut Random) -> String {
    let (file, thing) = (file(random), random.pick(&THINGS));
    let mut text = format!("Done: I changed `{file}` so that {thing} works again.");
    if random.chance(40) {
        text.push_str("\n\n- the cause: ");
        text.push_str(random.pick(&REASONS));
        text.push_str("\n- a test covers it\n");
    }
    text
}
