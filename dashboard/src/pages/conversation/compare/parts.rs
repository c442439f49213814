//! Where two requests differ, part by part. What is long comes in chunks.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{recordings::Recording, render};

/// Messages of each side in a chunk.
const MAX_MESSAGES: usize = 20;
/// Bytes of HTML of a chunk that is loaded later, unless a single message is longer.
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
    /// Differing messages before it; the other parts are one chunk.
    pub start: usize,
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
        let Place { part, start } = place;
        Self { query: format!("part={}&start={start}", part.as_str()), label, note }
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
            return Part { title, note: "the same".into(), chunk: None };
        }
        let (place, limit) = match asked {
            Some(place) => (place, MAX_HTML),
            None => (Place { part, start: 0 }, part.max_html()),
        };
        let mut chunk = self.limited(place, limit);
        if asked.is_none() && chunk.html.len() > limit {
            let more = More::at(place, "Show the difference", "It is long.".into());
            chunk = Chunk { html: String::new(), more: Some(more) };
        }
        Part { title, note: self.note(part), chunk: Some(chunk) }
    }

    fn note(&self, part: Name) -> String {
        if part != Name::Messages {
            return "differs".into();
        }
        let (shared, a, b) = self.rest();
        format!("{shared} the same, then {} of the first and {} of the second", a.len(), b.len())
    }

    /// The difference from a place on.
    pub fn chunk(&self, place: Place) -> Chunk {
        self.limited(place, MAX_HTML)
    }

    /// Only messages are cut: `limit` is in bytes of HTML.
    fn limited(&self, place: Place, limit: usize) -> Chunk {
        if place.part == Name::Messages {
            return self.messages(place.start, limit);
        }
        let text = |request: &Value| pretty(&field(request, place.part));
        Chunk { html: render::diff_html(&text(&self.a), &text(&self.b)), more: None }
    }

    /// How many messages both begin with, and what follows them on each side.
    fn rest(&self) -> (usize, &[Value], &[Value]) {
        let (a, b) = (messages(&self.a), messages(&self.b));
        let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        (shared, &a[shared..], &b[shared..])
    }

    fn messages(&self, start: usize, limit: usize) -> Chunk {
        let (_, a, b) = self.rest();
        let all = a.len().max(b.len());
        let (a, b) = (behind(a, start), behind(b, start));
        let (a_texts, b_texts) = (texts(a), texts(b));
        let count = fitting(&a_texts, &b_texts, limit);
        let joined = |texts: &[String]| texts[..count.min(texts.len())].join("\n");
        let left = |side: &[Value]| side.len().saturating_sub(count);
        let end = start.saturating_add(count);
        let more = (end < all).then(|| {
            let place = Place { part: Name::Messages, start: end };
            let note = format!("{} of the first and {} of the second follow.", left(a), left(b));
            More::at(place, "Later messages", note)
        });
        Chunk { html: render::diff_html(&joined(&a_texts), &joined(&b_texts)), more }
    }
}

/// Messages of each side that make a chunk: at least one, or nothing would ever follow a long one.
fn fitting(a: &[String], b: &[String], limit: usize) -> usize {
    let bytes = |side: &[String], index: usize| {
        side.get(index).map_or(0, |text| text.len() + ROW * text.lines().count())
    };
    let most = a.len().max(b.len());
    let mut sum = 0;
    let fit = (0..most).take_while(|index| {
        sum += bytes(a, *index) + bytes(b, *index);
        sum <= limit
    });
    fit.count().max(1)
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
    Pair::of(&request("{}"), &request(&long)).parts(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pair(a: &Value, b: &Value) -> Pair {
        let recording =
            |body: &Value| Recording { request: body.to_string().into(), ..Recording::default() };
        Pair::of(&recording(a), &recording(b))
    }

    fn said(words: &str, count: usize) -> Value {
        let messages = (0..count).map(|number| json!({"content": format!("{words} {number}")}));
        json!({"messages": messages.collect::<Vec<_>>()})
    }

    #[test]
    fn messages_are_compared_from_where_they_differ() {
        let a = json!({"model": "m", "messages": [{"content": "one"}, {"content": "two"}]});
        let b = json!({"model": "n", "messages": [{"content": "one"}, {"content": "zwei"}]});
        let parts = pair(&a, &b).parts(None);
        let differs: Vec<_> = parts.iter().map(|part| part.chunk.is_some()).collect();
        assert_eq!(differs, [false, false, true, true]);
        let chunk = parts[3].chunk.as_ref().expect("a difference");
        assert!(parts[3].note.starts_with("1 the same") && chunk.more.is_none());
        assert!(chunk.html.contains("zwei") && !chunk.html.contains("one"));
    }

    #[test]
    fn every_differing_message_is_in_one_chunk() {
        let pair = pair(&said("first", 45), &said("second", 230));
        let (mut place, mut html) = (Some(Place { part: Name::Messages, start: 0 }), Vec::new());
        while let Some(at) = place {
            let chunk = pair.chunk(at);
            let start = chunk.more.and_then(|more| more.query.split('=').next_back()?.parse().ok());
            place = start.map(|start| Place { start, ..at });
            html.push(chunk.html);
        }
        assert!(html.len() >= 230 / MAX_MESSAGES && html.iter().all(|one| one.len() < MAX_HTML));
        let all = html.concat();
        for (words, count) in [("first", 45), ("second", 230)] {
            for number in 0..count {
                let text = format!("&quot;{words} {number}&quot;");
                assert_eq!(all.matches(&text).count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn what_a_chunk_leaves_out_is_told() {
        let parts = pair(&said("first", 45), &said("second", 230)).parts(None);
        let chunk = parts[3].chunk.as_ref().expect("a difference");
        let more = chunk.more.as_ref().expect("more");
        assert_eq!(more.note, "25 of the first and 210 of the second follow.");
    }

    #[test]
    fn a_long_difference_stands_where_it_is_asked_for_alone() {
        let long = json!({"system": "long\n".repeat(3_000), "messages": [{"content": "word\n".repeat(9_000)}]});
        let pair = pair(&json!({}), &long);
        for (index, part) in [(0, Name::System), (3, Name::Messages)] {
            let asked = Place { part, start: 0 };
            let html = |parts: Vec<Part>| parts[index].chunk.as_ref().map(|chunk| chunk.html.len());
            assert_eq!(html(pair.parts(None)), Some(0));
            assert!(html(pair.parts(Some(asked))) > Some(30_000));
            assert!(pair.chunk(asked).html.len() > 30_000);
        }
    }
}
