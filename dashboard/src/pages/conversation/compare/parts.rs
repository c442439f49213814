//! Where two requests differ, part by part. What is long comes in chunks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    recordings::Recording,
    render,
    view::{escape, format},
};

/// Messages of each side in a chunk.
const MAX_MESSAGES: usize = 20;
/// Bytes of HTML of a chunk that is loaded later, unless a single line is longer.
const MAX_HTML: usize = 100_000;
/// Bytes of HTML around a line.
const ROW: usize = 100;

/// A part of a request, as addresses name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    System,
    Tools,
    Parameters,
    Messages,
}

impl Name {
    const ALL: [Self; 4] = [Self::System, Self::Tools, Self::Parameters, Self::Messages];

    /// As addresses say it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Tools => "tools",
            Self::Parameters => "parameters",
            Self::Messages => "messages",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::System => "System prompt",
            Self::Tools => "Tools",
            Self::Parameters => "Parameters",
            Self::Messages => "Messages",
        }
    }

    /// Bytes of HTML that stand in the page itself; what is longer is loaded into it.
    const fn max_html(self) -> usize {
        match self {
            Self::Messages => 24_000,
            Self::System | Self::Tools | Self::Parameters => 6_000,
        }
    }
}

/// Where a chunk begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub part: Name,
    /// Differing messages before it; the other parts have none.
    pub start: usize,
    /// Lines before it, of the difference of one message or of another part.
    pub line: usize,
}

impl Place {
    const fn beginning(part: Name) -> Self {
        Self { part, start: 0, line: 0 }
    }
}

/// A part of the requests with its difference.
#[derive(Debug, Serialize)]
pub struct Part {
    title: &'static str,
    /// How it changed, in words.
    note: String,
    /// `None` when it did not.
    chunk: Option<Chunk>,
}

impl Part {
    /// See [`Chunk::is_beyond`].
    pub fn is_beyond(&self) -> bool {
        self.chunk.as_ref().is_some_and(Chunk::is_beyond)
    }
}

#[cfg(test)]
impl Part {
    pub fn into_chunk(self) -> Option<Chunk> {
        self.chunk
    }
}

/// A stretch of a difference.
#[derive(Debug, Serialize)]
pub struct Chunk {
    html: String,
    more: Option<More>,
    is_beyond: bool,
}

impl Chunk {
    /// Whether it was asked to begin behind the end of the difference.
    pub const fn is_beyond(&self) -> bool {
        self.is_beyond
    }
}

/// What a chunk leaves out.
#[derive(Debug, Serialize)]
pub struct More {
    /// Its address, behind that of the two sides.
    query: String,
    label: &'static str,
    note: String,
}

impl More {
    fn at(place: Place, label: &'static str, note: String) -> Self {
        let Place { part, start, line } = place;
        Self { query: format!("part={}&start={start}&line={line}", part.as_str()), label, note }
    }
}

/// The bodies of two requests.
pub struct Pair {
    a: Value,
    b: Value,
}

impl Pair {
    pub fn of(a: &Recording, b: &Recording) -> Self {
        let read = |recording: &Recording| {
            serde_json::from_slice(&recording.request).unwrap_or(Value::Null)
        };
        Self { a: read(a), b: read(b) }
    }

    /// All parts, of each as much as a page holds; the one that is `asked` for begins there.
    pub fn parts(&self, asked: Option<Place>) -> Vec<Part> {
        Name::ALL.map(|name| self.part(name, asked.filter(|place| place.part == name))).into()
    }

    fn part(&self, part: Name, asked: Option<Place>) -> Part {
        let title = part.title();
        let is_same = match part {
            Name::Messages => messages(&self.a) == messages(&self.b),
            other => field(&self.a, other) == field(&self.b, other),
        };
        if is_same {
            return Part { title, note: String::new(), chunk: None };
        }
        let (place, limit) = match asked {
            Some(place) => (place, MAX_HTML),
            None => (Place::beginning(part), part.max_html()),
        };
        let mut chunk = self.limited(place, limit);
        if asked.is_none() && chunk.html.len() > limit {
            let more = More::at(place, "Show the difference", "It is long.".into());
            chunk = Chunk { html: String::new(), more: Some(more), is_beyond: false };
        }
        Part { title, note: self.note(part), chunk: Some(chunk) }
    }

    fn note(&self, part: Name) -> String {
        if part != Name::Messages {
            return String::new();
        }
        let (shared, a, b) = self.rest();
        let rest = counts(a.len(), b.len());
        match shared {
            0 => format!("nothing in common: {rest}"),
            1 => format!("both begin with the same message, then {rest}"),
            count => format!("both begin with the same {count} messages, then {rest}"),
        }
    }

    /// The difference from a place on.
    pub fn chunk(&self, place: Place) -> Chunk {
        self.limited(place, MAX_HTML)
    }

    /// `limit` is in bytes of HTML.
    fn limited(&self, place: Place, limit: usize) -> Chunk {
        let Texts { a, b, before, fits, more, is_over } = self.texts(place, limit);
        let mut rows = render::diff(&a, &b);
        for row in &mut rows {
            row.old = row.old.map(|line| line + before.0);
            row.new = row.new.map(|line| line + before.1);
        }
        let rest = rows.get(place.line..).unwrap_or_default();
        let lines = rest.iter().map(|row| html_len(&row.text));
        let count = if fits { rest.len() } else { fitting(lines, limit).min(rest.len()) };
        let (shown, later) = rest.split_at(count);
        let cut = (!later.is_empty()).then(|| {
            let place = Place { line: place.line + shown.len(), ..place };
            let lines = i64::try_from(later.len()).unwrap_or(i64::MAX);
            More::at(place, "Later lines", format::plural(lines, "line follows.", "lines follow."))
        });
        let html = if shown.is_empty() { String::new() } else { render::diff_table(shown) };
        let more = cut.or(more);
        let is_behind = is_over || place.line > 0 && place.line >= rows.len();
        Chunk { html, is_beyond: is_behind && more.is_none(), more }
    }

    fn texts(&self, place: Place, limit: usize) -> Texts {
        if place.part == Name::Messages {
            return self.messages(place, limit);
        }
        let text = |request: &Value| pretty(&field(request, place.part));
        Texts {
            a: text(&self.a),
            b: text(&self.b),
            before: (0, 0),
            fits: false,
            more: None,
            is_over: false,
        }
    }

    /// How many messages both begin with, and what follows them on each side.
    fn rest(&self) -> (usize, &[Value], &[Value]) {
        let (a, b) = (messages(&self.a), messages(&self.b));
        let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        (shared, &a[shared..], &b[shared..])
    }

    fn messages(&self, place: Place, limit: usize) -> Texts {
        let (_, a, b) = self.rest();
        let all = a.len().max(b.len());
        let before = (lines(a, place.start), lines(b, place.start));
        let (a, b) = (behind(a, place.start), behind(b, place.start));
        let (a_texts, b_texts) = (texts(a), texts(b));
        // Behind lines is the rest of the one message that they are of.
        let count = if place.line > 0 { 1 } else { fitting(sizes(&a_texts, &b_texts), limit) };
        let joined = |texts: &[String]| texts[..count.min(texts.len())].join("\n");
        let left = |side: &[Value]| side.len().saturating_sub(count);
        let end = place.start.saturating_add(count);
        let more = (end < all).then(|| {
            let place = Place { start: end, ..Place::beginning(Name::Messages) };
            let (a, b) = (left(a), left(b));
            let verb = if a + b == 1 { "follows" } else { "follow" };
            let note = format!("{} {verb}.", counts(a, b));
            More::at(place, "Later messages", note)
        });
        let is_over = place.start > 0 && place.start >= all;
        let (a, b) = (joined(&a_texts), joined(&b_texts));
        Texts { a, b, before, fits: count > 1, more, is_over }
    }
}

/// What a chunk compares, and what follows it.
struct Texts {
    a: String,
    b: String,
    /// Lines of each side that earlier chunks have shown: numbers go on behind them.
    before: (usize, usize),
    /// They are several messages, which are not cut within.
    fits: bool,
    more: Option<More>,
    /// Nothing is left to compare at this place.
    is_over: bool,
}

/// How many messages each side has; a side without any is not told.
fn counts(a: usize, b: usize) -> String {
    let sides = [(a, "first"), (b, "second")].into_iter().filter(|(count, _)| *count > 0);
    let told = sides.map(|(count, side)| format!("{count} in the {side}"));
    told.collect::<Vec<_>>().join(" and ")
}

/// Lines of the messages before the one at `start`.
fn lines(messages: &[Value], start: usize) -> usize {
    messages.iter().take(start).map(|message| pretty(message).matches('\n').count() + 1).sum()
}

/// How many make a chunk: at least one, or nothing would ever follow a long one.
fn fitting(sizes: impl Iterator<Item = usize>, limit: usize) -> usize {
    let mut sum = 0;
    let fit = sizes.take_while(|size| {
        sum += size;
        sum <= limit
    });
    fit.count().max(1)
}

/// Bytes of HTML of the messages of both sides, one pair after the other.
fn sizes(a: &[String], b: &[String]) -> impl Iterator<Item = usize> {
    let size = |side: &[String], index: usize| {
        side.get(index).map_or(0, |text| text.lines().map(html_len).sum::<usize>())
    };
    let pairs = 0..a.len().max(b.len());
    pairs.map(move |index| size(a, index) + size(b, index))
}

/// Bytes of HTML that show a line.
fn html_len(line: &str) -> usize {
    escape(line).len() + ROW
}

/// As many messages as a chunk may hold, as text.
fn texts(messages: &[Value]) -> Vec<String> {
    messages.iter().take(MAX_MESSAGES).map(pretty).collect()
}

fn behind(messages: &[Value], start: usize) -> &[Value] {
    messages.get(start..).unwrap_or_default()
}

fn messages(request: &Value) -> &[Value] {
    request.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn field(request: &Value, part: Name) -> Value {
    match part {
        Name::Parameters => parameters(request),
        named => request.get(named.as_str()).cloned().unwrap_or(Value::Null),
    }
}

fn parameters(request: &Value) -> Value {
    let mut rest = request.clone();
    if let Some(fields) = rest.as_object_mut() {
        for name in ["system", "tools", "messages"] {
            fields.shift_remove(name);
        }
    }
    rest
}

/// JSON with text as lines, so that a diff shows which line changed.
fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A value that was read is written again.
        value => serde_json::to_string_pretty(value).unwrap_or_default().replace("\\n", "\n"),
    }
}

#[cfg(test)]
pub fn sample() -> Vec<Part> {
    let request =
        |text: &str| Recording { request: text.to_owned().into(), ..Recording::default() };
    let long = format!(r#"{{"model":"<b>","system":"{}"}}"#, "long\\n".repeat(2_000));
    let pair = Pair::of(&request("{}"), &request(&long));
    let behind = Place { part: Name::System, start: 0, line: usize::MAX };
    [None, Some(behind)].into_iter().flat_map(|asked| pair.parts(asked)).collect()
}

#[cfg(test)]
mod tests;
