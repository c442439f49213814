//! Markdown of models and people, sanitised.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};

/// Longer texts are shown plain: they are data, not prose.
const MAX: usize = 400_000;

static CLEAN: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "p",
            "br",
            "hr",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "strong",
            "em",
            "del",
            "code",
            "pre",
            "blockquote",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "a",
            "sup",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        // A list's marks stand where its lines begin, right where it is Arabic.
        .set_tag_attribute_value("ul", "dir", "auto")
        .set_tag_attribute_value("ol", "dir", "auto")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .clean_content_tags(HashSet::from(["script", "style"]));
    builder
});

/// HTML of a Markdown text: no scripts, no images, no raw HTML, links only to the web and mail.
/// HTML in the text is shown as text, because models write about tags.
pub fn markdown(text: &str) -> String {
    if text.len() > MAX {
        return format!("<p>{}</p>", crate::view::escape(text));
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        pulldown_cmark::Event::Html(raw) | pulldown_cmark::Event::InlineHtml(raw) => {
            pulldown_cmark::Event::Text(raw)
        }
        other => other,
    });
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    CLEAN.clean(&out).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        let html = markdown("# Title\n\n- **bold** `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |");
        for part in [
            "<h1>Title</h1>",
            "<strong>bold</strong>",
            "<code>code</code>",
            "<td>1</td>",
            "<ul dir=\"auto\">",
        ] {
            assert!(html.contains(part), "{html}");
        }
    }

    #[test]
    fn nothing_in_it_can_act() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/a.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>)",
            "<svg/onload=alert(1)>",
            "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
            "<iframe src=//evil.example>",
            "[x](vbscript:a)",
            "<style>*{display:none}</style>",
            "<b style=\"x:expression(1)\">",
            "[a](/logout)",
            "<form action=/x>",
        ] {
            let html = markdown(hostile);
            for bad in [
                "<script",
                "<img",
                "<svg",
                "<iframe",
                "<style",
                "<form",
                "href=\"javascript",
                "href=\"data",
                "href=\"/",
                "href=\"vb",
                "<b ",
            ] {
                assert!(!html.to_lowercase().contains(bad), "{hostile} gave {html}");
            }
        }
    }
}
