//! The templates' filters and functions: exact values behind readable ones, icons, asset addresses.

use jiff::{Timestamp, tz::TimeZone};
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::{format, links};
use crate::assets::Assets;

/// Registers everything that the templates call.
pub fn register(tera: &mut Tera, assets: &Assets) {
    tera.register_filter("num", |value: f64, _: Kwargs, _: &State| {
        hover(&exact(value), &format::compact(value))
    });
    tera.register_filter("compact", |value: f64, _: Kwargs, _: &State| format::compact(value));
    tera.register_filter("usd", |value: &Value, _: Kwargs, _: &State| match number(value) {
        Some(value) => hover(&format!("${value:.6}"), &format::usd(value)),
        None => hover("no price is known for this model", "unknown"),
    });
    tera.register_filter("ms", |value: &Value, _: Kwargs, _: &State| match number(value) {
        Some(value) => hover(&format!("{value:.0} ms"), &format::duration(value)),
        None => hover("not known", "–"),
    });
    tera.register_filter("bytes", |value: f64, _: Kwargs, _: &State| {
        hover(&exact(value), &format::bytes(value))
    });
    tera.register_filter("decimal", |value: f64, _: Kwargs, _: &State| value.to_string());
    tera.register_filter("percent", |value: f64, _: Kwargs, _: &State| format::percent(value));
    tera.register_filter("grouped", |value: i64, _: Kwargs, _: &State| format::grouped(value));
    tera.register_filter("short", |text: &str, _: Kwargs, _: &State| format::short(text));
    tera.register_filter("ends", |text: &str, _: Kwargs, _: &State| format::ends(text));
    tera.register_filter("model", |name: &str, _: Kwargs, _: &State| {
        format::model(name).to_owned()
    });
    tera.register_filter("tools", tools);
    tera.register_filter("change", |share: f64, _: Kwargs, _: &State| format::change(share));
    tera.register_filter("plain", |text: &str, _: Kwargs, _: &State| format::plain(text));
    tera.register_filter("sentence", |text: &str, _: Kwargs, _: &State| format::sentence(text));
    tera.register_filter("encoded", |text: &str, _: Kwargs, _: &State| format::encoded(text));
    tera.register_filter("anchor", |text: &str, _: Kwargs, _: &State| format::anchor(text));
    tera.register_filter("scoped", scoped);
    tera.register_filter("count_of", count_of);
    tera.register_filter("time", time);
    tera.register_filter("elapsed", elapsed);
    register_functions(tera, assets);
}

fn register_functions(tera: &mut Tera, assets: &Assets) {
    let (icons, known) = (assets.clone(), assets.clone());
    tera.register_function("icon", move |kwargs: Kwargs, _: &State| -> TeraResult<Value> {
        let name = kwargs.must_get::<&str>("name")?;
        let class = kwargs.get::<&str>("class")?.unwrap_or_default();
        Ok(Value::safe_string(&icon(icons.url("icons.svg"), name, class)))
    });
    tera.register_function("asset", move |kwargs: Kwargs, _: &State| -> TeraResult<String> {
        Ok(known.url(kwargs.must_get::<&str>("name")?).to_owned())
    });
    tera.register_function("meter", |kwargs: Kwargs, _: &State| -> TeraResult<Value> {
        let share = kwargs.must_get::<f64>("share")?;
        let label = kwargs.get::<&str>("label")?;
        let tone = kwargs.get::<&str>("tone")?.unwrap_or_else(|| tone(share));
        Ok(Value::safe_string(&meter(share, label, tone)))
    });
}

/// An icon of the sprite; decoration, so hidden from screen readers.
pub fn icon(sprite: &str, name: &str, class: &str) -> String {
    format!(r#"<svg class="icon {class}" aria-hidden="true"><use href="{sprite}#{name}"/></svg>"#)
}

/// A bar; without a label it is decoration beside the numbers that it is drawn from.
fn meter(share: f64, label: Option<&str>, tone: &str) -> String {
    let width = share.clamp(0.0, 1.0) * 100.0;
    let name = match label {
        Some(label) => format!(r#"role="img" aria-label="{}""#, escape(label)),
        None => r#"aria-hidden="true""#.into(),
    };
    format!(
        r#"<svg class="meter {tone}" viewBox="0 0 100 6" preserveAspectRatio="none" {name}><rect width="{width:.1}" height="6"/></svg>"#
    )
}

fn tone(share: f64) -> &'static str {
    match share {
        s if s >= 0.9 => "bad",
        s if s >= 0.7 => "warn",
        _ => "",
    }
}

/// A number where there is one: what is not known is none.
fn number(value: &Value) -> Option<f64> {
    f64::try_from(value.clone()).ok()
}

/// Appends to a text.
pub fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string does not fail.
    let _infallible = std::fmt::Write::write_fmt(out, text);
}

/// Escapes text for HTML content and attributes.
pub fn escape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    if tera::escape_html(text, &mut out).is_err() {
        // Writing into memory does not fail; nothing is the safe answer if it ever did.
        out.clear();
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hover(exact: &str, text: &str) -> Value {
    Value::safe_string(&format!(
        r#"<span class="num" title="{}">{}</span>"#,
        escape(exact),
        escape(text)
    ))
}

fn exact(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "counts are far below 2^53")]
    format::grouped(value.round() as i64)
}

/// `{{ n | count_of(one="request", many="requests") }}`.
#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn count_of(count: i64, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    Ok(format::plural(count, kwargs.must_get::<&str>("one")?, kwargs.must_get::<&str>("many")?))
}

/// `{{ names | tools(most=24) }}`.
#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn tools(called: Vec<String>, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    Ok(format::first_tools(&called, kwargs.must_get::<usize>("most")?))
}

/// `{{ href | scoped(scope=chrome.scope) }}`.
#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn scoped(href: &str, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    Ok(links::scoped(href, kwargs.must_get::<&str>("scope")?))
}

/// `{{ at | time(now=chrome.now) }}`: relative, with the exact time for scripts and on hover. A clock
/// (`form="clock"`) also takes the viewer's `zone`.
#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn time(at: &Value, kwargs: Kwargs, _: &State) -> TeraResult<Value> {
    let Some(at) = at.as_str() else {
        return Ok(Value::safe_string(r#"<span class="muted">–</span>"#));
    };
    let (stamp, now) = (instant(at)?, instant(kwargs.must_get::<&str>("now")?)?);
    let form = kwargs.get::<&str>("form")?.unwrap_or("ago");
    let exact = stamp.strftime("%Y-%m-%d %H:%M:%S UTC");
    let text = match form {
        "clock" => format::dated_clock(stamp, now, &zone(kwargs.get::<&str>("zone")?)),
        "exact" => exact.to_string(),
        _ => format::ago(stamp, now),
    };
    Ok(Value::safe_string(&format!(
        r#"<time datetime="{stamp}" title="{exact}" data-form="{form}">{text}</time>"#
    )))
}

/// `{{ at | elapsed(now=chrome.now) }}`: how long it runs; a script counts on.
#[expect(clippy::needless_pass_by_value, reason = "the engine's signature")]
fn elapsed(at: &str, kwargs: Kwargs, _: &State) -> TeraResult<String> {
    let now = instant(kwargs.must_get::<&str>("now")?)?;
    let ran = now.duration_since(instant(at)?);
    Ok(format::elapsed(ran.as_secs_f64() * 1000.0))
}

fn instant(text: &str) -> TeraResult<Timestamp> {
    text.parse::<Timestamp>().map_err(|error| Error::message(format!("{text} is no time: {error}")))
}

/// The zone of that name; unknown when it has none.
fn zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::unknown())
}
