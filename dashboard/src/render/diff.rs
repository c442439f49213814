//! What an edit changed, line by line.

use similar::{ChangeTag, TextDiff};

use crate::view::{escape, put};

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;
/// Longer texts are compared as a whole: an edit of that size is not read line by line.
const MAX: usize = 200_000;

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffRow {
    pub old: Option<usize>,
    pub new: Option<usize>,
    pub sign: DiffSign,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffSign {
    Same,
    Added,
    Removed,
    /// Unchanged lines left out here.
    Gap,
}

/// Compares two texts by lines; unchanged stretches are cut to a few lines.
pub fn diff(old: &str, new: &str) -> Vec<DiffRow> {
    if old.len() + new.len() > MAX {
        let row = |sign, text: &str| DiffRow {
            old: None,
            new: None,
            sign,
            text: format!("{} bytes", text.len()),
        };
        return vec![row(DiffSign::Removed, old), row(DiffSign::Added, new)];
    }
    let compared = TextDiff::from_lines(old, new);
    let mut rows = Vec::new();
    for (number, group) in compared.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            rows.push(DiffRow { old: None, new: None, sign: DiffSign::Gap, text: String::new() });
        }
        let changes = group.iter().flat_map(|op| compared.iter_changes(op));
        rows.extend(changes.map(|change| DiffRow {
            old: change.old_index().map(|index| index + 1),
            new: change.new_index().map(|index| index + 1),
            sign: match change.tag() {
                ChangeTag::Equal => DiffSign::Same,
                ChangeTag::Insert => DiffSign::Added,
                ChangeTag::Delete => DiffSign::Removed,
            },
            text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
        }));
    }
    rows
}

/// The comparison as a table.
pub fn diff_html(old: &str, new: &str) -> String {
    diff_table(&diff(old, new))
}

/// Lines of a comparison as a table.
pub fn diff_table(rows: &[DiffRow]) -> String {
    let mut out = String::from("<div class=\"diff\" tabindex=\"0\"><table><tbody>");
    for row in rows {
        let (class, sign) = match row.sign {
            DiffSign::Same => ("", " "),
            DiffSign::Added => ("add", "+"),
            DiffSign::Removed => ("del", "-"),
            DiffSign::Gap => ("gap", "⋯"),
        };
        let number = |line: Option<usize>| line.map(|line| line.to_string()).unwrap_or_default();
        put(
            &mut out,
            format_args!(
                "<tr class=\"{class}\"><td class=\"ln\">{}</td><td class=\"ln\">{}</td><td class=\"sg\">{sign}</td><td>{}</td></tr>",
                number(row.old),
                number(row.new),
                escape(&row.text)
            ),
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let old = (1..=20).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let rows = diff(&old, &old.replace("line 10\n", "line ten\n"));
        assert_eq!(rows.len(), 8);
        assert_eq!(
            rows[3],
            DiffRow { old: Some(10), new: None, sign: DiffSign::Removed, text: "line 10".into() }
        );
        assert_eq!(rows[4].text, "line ten");
        assert!(diff("same", "same").is_empty());
    }

    #[test]
    fn a_diff_of_markup_is_text() {
        assert!(!diff_html("<b>", "<script>").contains("<script>"));
    }
}
