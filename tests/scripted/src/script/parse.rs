//! The grammar.

use super::{Directive, Turn};

const MODIFIERS: [&str; 15] = [
    "fail", "error", "cut", "reset", "stall", "slow", "wait", "encode", "usage", "limits", "stop",
    "header", "wire", "model", "gemini",
];
const BLOCKS: [&str; 19] = [
    "say", "think", "redacted", "tool", "bash", "read", "write", "edit", "grep", "glob", "todo",
    "agent", "task", "cite", "search", "block", "words", "skill", "fetch",
];

/// The answers that a text asks for; none when it holds no script.
pub fn parse(text: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut turn = Turn::default();
    let mut rest = text;
    while let Some((directive, after)) = next_directive(rest) {
        let joined = after.trim_start().starts_with('+');
        rest = after;
        if MODIFIERS.contains(&directive.name.as_str()) {
            turn.modifiers.push(directive);
            continue;
        }
        turn.blocks.push(directive);
        if !joined {
            turns.push(std::mem::take(&mut turn));
        }
    }
    if turn != Turn::default() {
        turns.push(turn);
    }
    turns
}

/// The next directive and what follows it.
fn next_directive(text: &str) -> Option<(Directive, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("[[") {
        let inner = &text[from + found + 2..];
        if let Some(length) = balanced(inner)
            && let Some(directive) = directive(&inner[..length])
        {
            return Some((directive, &inner[length + 2..]));
        }
        from += found + 2;
    }
    None
}

/// The length up to the `]]` that closes what is open.
fn balanced(inner: &str) -> Option<usize> {
    let (mut depth, mut at) = (1_usize, 0);
    let bytes = inner.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"[[" => (depth, at) = (depth + 1, at + 2),
            b"]]" if depth == 1 => return Some(at),
            b"]]" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    None
}

fn directive(inner: &str) -> Option<Directive> {
    let end = inner.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(inner.len());
    let (name, mut rest) = inner.split_at(end);
    if !MODIFIERS.contains(&name) && !BLOCKS.contains(&name) {
        return None;
    }
    let mut directive = Directive { name: name.to_owned(), ..Directive::default() };
    loop {
        rest = rest.trim_start();
        if let Some(text) = rest.strip_prefix(':') {
            text.trim().clone_into(&mut directive.text);
            return Some(directive);
        }
        if rest.is_empty() {
            return Some(directive);
        }
        let (key, value, after) = argument(rest);
        directive.args.push((key.to_owned(), value.to_owned()));
        rest = after;
    }
}

/// `key=value`, `key="a value"` or `word`, and what follows.
fn argument(text: &str) -> (&str, &str, &str) {
    let end = text.find(|c: char| c == '=' || c == ':' || c.is_whitespace()).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let Some(value) = rest.strip_prefix('=') else { return (key, "", rest) };
    if let Some((value, rest)) = value.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
        return (key, value, rest);
    }
    // A value may hold a colon (`at=event:3`); a colon before white space ends it.
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let end = if value[..end].ends_with(':') { end - 1 } else { end };
    (key, &value[..end], &value[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(turn: &Turn) -> Vec<&str> {
        turn.blocks.iter().map(|block| block.name.as_str()).collect()
    }

    #[test]
    fn each_block_is_an_answer_unless_joined() {
        let turns = parse("Please [[think: hm]]+[[bash: ls]] and then [[say: done: all]]");
        assert_eq!(turns.len(), 2);
        assert_eq!(names(&turns[0]), ["think", "bash"]);
        assert_eq!(turns[1].blocks[0].text, "done: all");
    }

    #[test]
    fn modifiers_belong_to_the_answer_that_follows() {
        let turns =
            parse("[[fail status=429 retry_after=1 times=2]] [[say: a]] [[stop max_tokens]]");
        assert_eq!(turns.len(), 2);
        let fail = turns[0].modifier("fail").expect("the modifier");
        assert_eq!((fail.number("status"), fail.number("times")), (Some(429), Some(2)));
        assert_eq!(turns[1].modifier("stop").and_then(Directive::word), Some("max_tokens"));
    }

    #[test]
    fn a_directive_holds_directives() {
        let turns = parse("[[agent type=Explore: Look. [[bash: ls]] [[say: 3]]]] [[say: ok]]");
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[0].blocks[0].text, "Look. [[bash: ls]] [[say: 3]]");
        assert_eq!(turns[0].blocks[0].arg("type"), Some("Explore"));
    }

    #[test]
    fn quoted_values_and_foreign_brackets() {
        let turns = parse("if [[ -f x ]]; then [[edit path=a.txt old=\"one two\" new=three]]");
        assert_eq!(turns.len(), 1);
        assert_eq!(turns[0].blocks[0].arg("old"), Some("one two"));
    }

    #[test]
    fn plain_text_holds_no_script() {
        assert!(parse("What is 2 + 2? [[unclosed: x").is_empty());
    }
}
