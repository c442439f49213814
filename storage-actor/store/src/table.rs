//! Rows as structs: the fields are named once and make the struct, the column list and the binds.

/// `table_row! { /// docs  pub struct Name in "table" keyed by "column" { field: Type, … } }`
///
/// Field names are column names. `read` takes a row apart, `push` binds it in the order of
/// `COLUMNS`, and `UPSERT` is the end of an `INSERT` that replaces what was there.
macro_rules! table_row {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
        pub struct $name { $($(#[$doc])* pub $field: $type),+ }

        impl $name {
            /// The columns, in the fields' order.
            pub const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Binds the fields, in the columns' order.
            pub(crate) fn push<DB>(&self, row: &mut $crate::sql::Separated<'_, DB>)
            where
                DB: sqlx::Database,
                $($type: for<'q> sqlx::Encode<'q, DB> + sqlx::Type<DB>),+
            {
                $(row.push_bind(self.$field.clone());)+
            }
        }
    };
}
pub(crate) use table_row;

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
