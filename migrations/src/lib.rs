//! The schema of both engines as numbered migrations, embedded in the binary.
//!
//! `sqlite/NNNN_name.sql` and `postgres/NNNN_name.sql` say the same thing in two dialects; a test of
//! `nexus-store` compares the schemas that result. What was applied stands in `_sqlx_migrations`.
//! A migration that was released never changes.
//!
//! | numbers | hold |
//! |---|---|
//! | 0001–0009 | exchanges, bodies, usage, what is materialised |
//! | 0011–0019 | link facts and links |
//! | 0021–0029 | analyses and their audit log |
//! | 0031–0039 | search and what read queries need besides |
//! | 0040–0049 | what was erased; smaller rows and indices |

use sqlx::migrate::Migrator;

/// Migrations of the embedded engine.
pub static SQLITE: Migrator = sqlx::migrate!("./sqlite");

/// Migrations of PostgreSQL.
pub static POSTGRES: Migrator = sqlx::migrate!("./postgres");

/// Grants on PostgreSQL, to be run after its migrations, any number of times.
pub const POSTGRES_RIGHTS: &str = include_str!("../rights.sql");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_have_the_same_migrations() {
        let names = |migrator: &Migrator| {
            migrator.iter().map(|one| (one.version, one.description.clone())).collect::<Vec<_>>()
        };
        assert_eq!(names(&SQLITE), names(&POSTGRES));
        assert!(!names(&SQLITE).is_empty());
    }
}
