//! Captured content as HTML that cannot do anything. All of it is hostile until it went through here.

mod ansi;
mod block;
mod diff;
mod image;
mod json;
mod markdown;
mod spark_card;
mod tool;

pub use ansi::ansi;
pub use block::{Shown, Voice, show};
pub use diff::{DiffRow, DiffSign, diff, diff_html, diff_table};
pub use image::{Picture, picture};
pub use json::json_tree;
pub use markdown::markdown;
pub use spark_card::{Recommendation, recommendation};
