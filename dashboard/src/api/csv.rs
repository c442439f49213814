//! Comma-separated values (RFC 4180), safe to be opened by a spreadsheet.

use serde_json::Value;

/// Begins a cell that a spreadsheet would run.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A line of the values under `columns`.
pub fn line(row: &Value, columns: &[&str]) -> String {
    let cells: Vec<_> = columns.iter().map(|column| cell(&row[*column])).collect();
    cells.join(",") + "\r\n"
}

pub fn head(columns: &[&str]) -> String {
    columns.join(",") + "\r\n"
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().map(|item| item.as_str().unwrap_or_default()).collect();
            quoted(&texts.join(" "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let lead = if text.starts_with(FORMULA) { "'" } else { "" };
    if lead.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        return text.to_owned();
    }
    format!("\"{lead}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let row = json!({"a": "x,\"y\"", "b": "=HYPERLINK(1)", "c": 7, "d": null, "e": ["p", "q"],
            "f": -3});
        assert_eq!(
            line(&row, &["a", "b", "c", "d", "e", "f"]),
            "\"x,\"\"y\"\"\",\"'=HYPERLINK(1)\",7,,p q,-3\r\n"
        );
    }
}
