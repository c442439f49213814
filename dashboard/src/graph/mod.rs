//! A conversation as a graph: what happened as boxes, one column per branch, oldest at the top.
//!
//! Pure. [`plan`] folds exchanges into items, [`layout`] gives every item a place, [`svg`] draws
//! those within a window. Every item has rows of its own and every column its own width, so that
//! nothing can overlap, whatever the size; a property test computes it.

mod item;
mod lanes;
mod layout;
mod model;
mod plan;
mod svg;
#[cfg(test)]
mod tests;

pub use item::{Item, ItemKind, Task};
pub use layout::{Break, Edge, EdgeKind, Layout, Placed, Rect, layout};
pub use model::{Happening, Node, NodeKind};
pub use plan::{Plan, Unfolded, plan};
pub use svg::{Drawing, draw, minimap};
