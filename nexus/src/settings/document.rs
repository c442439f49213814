//! The configuration page's tables, made from the settings' own definitions.

use std::fmt::Write;

use super::{
    definition::{Definition, Group},
    table::TABLE,
};

/// Markdown: a heading and a table per group.
pub fn markdown() -> String {
    let mut page = String::new();
    for group in Group::ALL {
        writeln!(page, "## {}\n\n| variable | default | meaning |\n|---|---|---|", group.title())
            .expect("a string takes all");
        for definition in TABLE.iter().filter(|definition| definition.group == group) {
            page.push_str(&row(definition));
        }
        page.push('\n');
    }
    page.trim_end().to_owned() + "\n"
}

fn row(definition: &Definition) -> String {
    let default = definition.default.map_or("–".to_owned(), |text| format!("`{text}`"));
    let secret = if definition.secret { " Secret: no flag, masked in output." } else { "" };
    format!("| `{}` | {default} | {}{secret} |\n", definition.name, definition.meaning)
}

#[test]
fn the_configuration_page_is_fresh() {
    const BEGIN: &str = "<!-- settings: begin -->\n";
    const END: &str = "<!-- settings: end -->";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = std::fs::read_to_string(&path).expect("docs/configuration.md");
    let (head, rest) = page.split_once(BEGIN).expect("the begin marker");
    let (_, tail) = rest.split_once(END).expect("the end marker");
    let fresh = format!("{head}{BEGIN}\n{}\n{END}{tail}", markdown());
    if fresh != page {
        std::fs::write(&path, fresh).expect("written");
        panic!("docs/configuration.md was stale; it is written anew: commit it");
    }
}
