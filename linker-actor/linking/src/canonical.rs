//! JSON in one spelling (RFC 8785, the JSON Canonicalization Scheme): members sorted, no white space,
//! numbers as ECMAScript prints them.

use std::fmt::Write as _;

use serde_json::{Number, Value, value::RawValue};

/// Writes `raw` in its canonical spelling. What is nested too deep to be read, or holds half a
/// surrogate pair, stands as it came.
pub fn write_raw(out: &mut String, raw: &RawValue) {
    match serde_json::from_str(raw.get()) {
        Ok(value) => write_value(out, &value),
        Err(_unreadable) => out.push_str(raw.get()),
    }
}

/// Writes `value` in its canonical spelling.
pub fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            write_list(out, '[', ']', items, write_value);
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            write_list(out, '{', '}', &members, |out, (name, value)| {
                write_text(out, name);
                out.push(':');
                write_value(out, value);
            });
        }
    }
}

/// Writes a string with the shortest escapes.
pub fn write_text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        out.push_str(&rest[..at]);
        write_escape(out, rest.as_bytes()[at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// `value` without its members of that name, at any depth.
pub fn without(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.shift_remove(name);
            members.values_mut().for_each(|value| without(value, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| without(value, name)),
        _ => {}
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: &[T],
    write: impl Fn(&mut String, &T),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(close);
}

fn write_escape(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        control => push(out, format_args!("\\u{control:04x}")),
    }
}

/// Integers that a double holds exactly stand as they are; all else as ECMAScript's `toString`.
fn write_number(out: &mut String, number: &Number) {
    const EXACT: u64 = 1 << 53;
    match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) if integer.unsigned_abs() <= EXACT => {
            push(out, format_args!("{integer}"));
        }
        (_, Some(double)) => write_double(out, double),
        _ => push(out, format_args!("{number}")),
    }
}

/// <https://tc39.es/ecma262/#sec-numeric-types-number-tostring>
fn write_double(out: &mut String, double: f64) {
    if double == 0.0 {
        out.push('0');
        return;
    }
    let short = format!("{double:e}");
    let (mantissa, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-6..21).contains(&exponent) {
        push(out, format_args!("{double}"));
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        push(out, format_args!("{mantissa}e{sign}{}", exponent.abs()));
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments) {
    // Writing to a string does not fail.
    out.write_fmt(arguments).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> String {
        let mut out = String::new();
        write_raw(&mut out, &RawValue::from_string(json.to_owned()).expect("JSON"));
        out
    }

    #[test]
    fn members_are_sorted_and_white_space_is_gone() {
        let spelled = canonical(r#"{ "b" : [1, {"z":null, "a":true}], "a\u0041": "x\/\u0001\n" }"#);
        assert_eq!(spelled, r#"{"aA":"x/\u0001\n","b":[1,{"a":true,"z":null}]}"#);
    }

    #[test]
    fn numbers_read_as_javascript_prints_them() {
        for (json, spelled) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("0.1", "0.1"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("123456789012345678", "123456789012345680"),
            ("9007199254740992", "9007199254740992"),
        ] {
            assert_eq!(canonical(json), spelled, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_read_stands_as_it_came() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(canonical(&deep), deep);
    }
}
