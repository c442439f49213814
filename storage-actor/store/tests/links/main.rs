//! Linking in the store: what the reference says, in any order, by several linkers, on both engines.

mod convergence;
mod crowds;
mod domains;
mod migrated;
mod outbox;
mod quality;
mod relink;
mod said;
mod statements;
mod stored;
mod tables;
mod wood;
