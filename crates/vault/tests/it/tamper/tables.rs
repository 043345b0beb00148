//! A way around the vault: rows read and written by column, with the database's own checks off.

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement, Value,
};
use uuid::Uuid;

use crate::harness::Vault;

/// A column, and how its values are kept.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Bytes,
    Integer,
    Text,
    Uuid,
}

/// The tables of a vault.
pub(super) struct Tables(DatabaseConnection);

impl Tables {
    pub(super) async fn open(vault: &Vault) -> Self {
        let mut options = ConnectOptions::new(&vault.database.url);
        // One connection, so that the checks stay off.
        options.max_connections(1);
        let db = Database::connect(options).await.unwrap();
        let unchecked = match db.get_database_backend() {
            DbBackend::Sqlite => "PRAGMA foreign_keys = OFF",
            _ => "SET session_replication_role = replica",
        };
        db.execute_unprepared(unchecked).await.unwrap();
        Self(db)
    }

    /// The columns of a table as the database knows them.
    pub(super) async fn columns(&self, table: &str) -> Vec<Column> {
        let sql = match self.0.get_database_backend() {
            DbBackend::Sqlite => "SELECT name, type FROM pragma_table_info($1)",
            _ => {
                "SELECT column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_name = $1 AND table_schema = 'public'"
            }
        };
        let rows = self.0.query_all_raw(self.statement(sql, [table.into()])).await.unwrap();
        let column = |row: sea_orm::QueryResult| {
            let declared: String = row.try_get_by_index(1).unwrap();
            let declared = declared.to_lowercase();
            let kind = if declared.contains("uuid") {
                Kind::Uuid
            } else if declared.contains("blob") || declared.contains("bytea") {
                Kind::Bytes
            } else if declared.contains("int") {
                Kind::Integer
            } else {
                Kind::Text
            };
            Column { name: row.try_get_by_index(0).unwrap(), kind }
        };
        rows.into_iter().map(column).collect()
    }

    /// The value of a column in the row that `condition` picks.
    pub(super) async fn read(&self, table: &str, column: &Column, condition: &str) -> Value {
        let sql = format!("SELECT {} FROM {table} WHERE {condition}", column.name);
        let mut rows = self.0.query_all_raw(self.statement(&sql, [])).await.unwrap();
        assert_eq!(rows.len(), 1, "{table} where {condition}");
        let row = rows.remove(0);
        match column.kind {
            Kind::Bytes => Value::Bytes(row.try_get_by_index(0).unwrap()),
            Kind::Integer => Value::BigInt(row.try_get_by_index(0).unwrap()),
            Kind::Text => Value::String(row.try_get_by_index(0).unwrap()),
            Kind::Uuid => Value::Uuid(row.try_get_by_index(0).unwrap()),
        }
    }

    pub(super) async fn write(&self, table: &str, column: &Column, condition: &str, value: Value) {
        let sql = format!("UPDATE {table} SET {} = $1 WHERE {condition}", column.name);
        let done = self.0.execute_raw(self.statement(&sql, [value])).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{table}.{} where {condition}", column.name);
    }

    /// A condition that goes on picking the row that `condition` picks when one of its columns is
    /// changed: by where the database keeps it.
    pub(super) async fn pin(&self, table: &str, condition: &str) -> String {
        match self.0.get_database_backend() {
            DbBackend::Sqlite => {
                let sql = format!("SELECT rowid FROM {table} WHERE {condition}");
                format!("rowid = {}", self.one::<i64>(&sql).await)
            }
            // An update moves a row; this number goes with it.
            _ => condition.to_owned(),
        }
    }

    /// Every row of every table, as text.
    pub(super) async fn dump(&self) -> String {
        let tables = [
            "answered_requests",
            "audit_events",
            "branch_keys",
            "deployment",
            "key_versions",
            "keys",
            "projects",
            "workspaces",
        ];
        let mut dump = String::new();
        for table in tables {
            let sql = format!("SELECT row_to_json(t)::text FROM {table} t");
            for row in self.0.query_all_raw(self.statement(&sql, [])).await.unwrap() {
                dump.push_str(&row.try_get_by_index::<String>(0).unwrap());
            }
        }
        dump
    }

    async fn one<T: sea_orm::TryGetable>(&self, sql: &str) -> T {
        let row = self.0.query_one_raw(self.statement(sql, [])).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.0.get_database_backend(), sql, values)
    }
}

/// The value with one bit flipped; something, where there was nothing.
pub(super) fn flipped(value: Value) -> Value {
    match value {
        Value::Bytes(bytes) => {
            let mut bytes = bytes.unwrap_or_default();
            if bytes.is_empty() { bytes.push(0) } else { bytes[0] ^= 1 }
            Value::Bytes(Some(bytes))
        }
        Value::BigInt(number) => Value::BigInt(Some(number.map_or(1, |number| number ^ 1))),
        Value::String(text) => {
            let mut bytes = text.unwrap_or_default().into_bytes();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(b'x'),
            }
            Value::String(Some(String::from_utf8(bytes).unwrap()))
        }
        Value::Uuid(uuid) => Value::Uuid(Some(Uuid::from_u128(uuid.map_or(1, |uuid| uuid.as_u128() ^ 1)))),
        value => panic!("no column holds {value:?}"),
    }
}
