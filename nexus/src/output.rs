//! What commands print: for people, or as JSON with `--json`.

use std::io::Write;

use serde::Serialize;

/// The chosen form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints `data` as JSON, or what `text` makes of it.
    pub fn print<T: Serialize + ?Sized>(
        self,
        data: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut printed = if self.json { serde_json::to_string_pretty(data)? } else { text(data) };
        if !printed.ends_with('\n') {
            printed.push('\n');
        }
        write(printed.as_bytes())
    }
}

/// Writes to standard output. A reader that went away (`| head`) ends the output, not in an error.
pub fn write(bytes: &[u8]) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

/// Rows under their headings, columns as wide as their widest cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let head = line(headings.to_vec());
    rows.iter().fold(head, |text, row| text + &line(row.iter().map(String::as_str).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = table(&["id", "name"], &[vec!["1".into(), "é".into()], vec!["100".into()]]);
        assert_eq!(text, "id   name\n1    é\n100\n");
    }
}
