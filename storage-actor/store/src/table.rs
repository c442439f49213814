//! Rows as structs: the fields are named once and make the struct, the column list and the binds.

use sqlx::Database;

use crate::sql::QueryBuilder;

/// `table_row! { /// docs  pub struct Name { field: Type, … } }`
///
/// Field names are column names, and binds stand in the order of `COLUMNS`.
macro_rules! table_row {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
        pub struct $name { $($(#[$doc])* pub $field: $type),+ }

        impl $name {
            /// The columns, in the fields' order.
            pub const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];
        }

        impl $crate::table::Source<sqlx::Sqlite> for $name {
            const IS_KEPT: bool = false;

            /// Row by row.
            fn push_rows(
                query: &mut $crate::sql::QueryBuilder<sqlx::Sqlite>,
                rows: &[&Self],
                marks: &[bool],
            ) {
                query.push_values(rows, |mut list, row| {
                    let mut marks = marks.iter();
                    $(if marks.next() == Some(&true) {
                        list.push_bind(row.$field.clone());
                    })+
                });
            }
        }

        impl $crate::table::Source<sqlx::Postgres> for $name {
            const IS_KEPT: bool = true;

            /// An array a column: reading thousands of single values takes the engine as long as
            /// writing them.
            fn push_rows(
                query: &mut $crate::sql::QueryBuilder<sqlx::Postgres>,
                rows: &[&Self],
                marks: &[bool],
            ) {
                let mut marks = marks.iter();
                query.push("SELECT * FROM unnest(");
                let mut list = query.separated(", ");
                $(if marks.next() == Some(&true) {
                    let column: Vec<_> = rows.iter().map(|row| row.$field.clone()).collect();
                    list.push_bind_all(&column);
                })+
                query.push(")");
            }
        }

        impl $crate::table::Compared for $name {
            fn mark_differing(&self, other: &Self, marks: &mut [bool]) {
                let differ = [$(self.$field != other.$field),+];
                for (mark, differs) in marks.iter_mut().zip(differ) {
                    *mark |= differs;
                }
            }
        }
    };
}
pub(crate) use table_row;

/// Rows as an `INSERT` takes many of them.
pub(crate) trait Source<DB: Database>: Sized {
    /// Whether the statement is the same for any number of rows, so that it is kept when it is prepared.
    const IS_KEPT: bool;

    /// Appends what gives the fields whose columns are marked; at least one is.
    fn push_rows(query: &mut QueryBuilder<DB>, rows: &[&Self], marks: &[bool]);
}

/// A row that is told from another one column by column.
pub(crate) trait Compared {
    /// Marks the columns that `other` has other values in.
    fn mark_differing(&self, other: &Self, marks: &mut [bool]);
}

/// The columns that are marked.
pub(crate) fn marked(columns: &[&'static str], marks: &[bool]) -> Vec<&'static str> {
    let marked = columns.iter().zip(marks).filter(|(_, mark)| **mark);
    marked.map(|(column, _)| *column).collect()
}

/// `SELECT c1, c2, … FROM table WHERE`.
pub(crate) fn select(table: &str, columns: &[&str]) -> String {
    format!("SELECT {} FROM {table} WHERE ", columns.join(", "))
}

/// `INSERT INTO table (c1, c2, …) `.
pub(crate) fn insert(table: &str, columns: &[&str]) -> String {
    format!("INSERT INTO {table} ({}) ", columns.join(", "))
}

/// ` ON CONFLICT (key) DO UPDATE SET …`, every other column as inserted.
pub(crate) fn or_replace(key: &[&str], columns: &[&str]) -> String {
    let sets = columns.iter().filter(|column| !key.contains(column));
    let sets: Vec<_> = sets.map(|column| format!("{column} = excluded.{column}")).collect();
    format!(" ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), sets.join(", "))
}

/// ` ON CONFLICT (key) DO UPDATE SET …`, every other column added to what was there.
pub(crate) fn or_add(table: &str, key: &[&str], columns: &[&str]) -> String {
    let sets = columns.iter().filter(|column| !key.contains(column));
    let sets: Vec<_> =
        sets.map(|column| format!("{column} = {table}.{column} + excluded.{column}")).collect();
    format!(" ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), sets.join(", "))
}
