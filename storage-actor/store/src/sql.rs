//! sqlx's queries by the same names, of which `DEBUG_SQL` logs what they took and what came of them.
//!
//! sqlx's own log knows no parameters: by the time it is written they are bytes of the engine's
//! protocol. So they are written down as they are bound. While nobody listens, a statement costs one
//! branch for each of them.
//!
//! Begins and commits, migrations and what a connection is opened with go to sqlx directly.

mod builder;
mod parameter;
mod query;
mod record;
mod rows;

pub(crate) use self::{
    builder::{QueryBuilder, Separated},
    parameter::{Content, Parameter},
    query::query,
    rows::{QueryAs, query_as, query_scalar},
};
