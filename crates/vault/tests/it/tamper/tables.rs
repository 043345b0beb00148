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

/// A row, and how it is found again when a column of it is changed.
pub(super) struct Row {
    table: &'static str,
    by: Column,
    id: Value,
    unique: Column,
    mark: Value,
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
        let rows = self
            .0
            .query_all_raw(self.statement(sql, [table.into()]))
            .await
            .unwrap();
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
            Column {
                name: row.try_get_by_index(0).unwrap(),
                kind,
            }
        };
        rows.into_iter().map(column).collect()
    }

    /// The row of that identity.
    pub(super) async fn row(&self, table: &'static str, id: &str) -> Row {
        let (by, unique) = match table {
            "branch_keys" => ("id", "wrapped"),
            "key_versions" => ("key_id", "row_mac"),
            "provider_access" => ("workspace_id", "row_mac"),
            _ => ("id", "row_mac"),
        };
        let id = id.parse().unwrap();
        let unique = Column {
            name: unique.to_owned(),
            kind: Kind::Bytes,
        };
        let by = Column {
            name: by.to_owned(),
            kind: Kind::Uuid,
        };
        let mut row = Row {
            table,
            by,
            id: Value::Uuid(Some(id)),
            unique,
            mark: Value::Bytes(None),
        };
        row.mark = self.read(&row, &row.unique).await;
        row
    }

    /// The row of a table that has no other, found again by its MAC or by that text.
    pub(super) async fn only_row(&self, table: &'static str, text: &str) -> Row {
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
        };
        let sql = format!("SELECT row_mac, {text} FROM {table}");
        let found = self
            .0
            .query_all_raw(self.statement(&sql, []))
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{table}");
        Row {
            table,
            by: column("row_mac", Kind::Bytes),
            id: Value::Bytes(found[0].try_get_by_index(0).unwrap()),
            unique: column(text, Kind::Text),
            mark: Value::String(found[0].try_get_by_index(1).unwrap()),
        }
    }

    /// The row of a workspace's branch or lookup key.
    pub(super) async fn branch_key(&self, workspace: &str, purpose: &str) -> Row {
        let workspace: Uuid = workspace.parse().unwrap();
        let sql = "SELECT id FROM branch_keys WHERE workspace_id = $1 AND purpose = $2";
        let statement = self.statement(sql, [workspace.into(), purpose.into()]);
        let found = self.0.query_one_raw(statement).await.unwrap().unwrap();
        let id: Uuid = found.try_get_by_index(0).unwrap();
        self.row("branch_keys", &id.to_string()).await
    }

    /// The identity of the platform's workspace.
    pub(super) async fn platform(&self) -> String {
        let sql = "SELECT id FROM workspaces WHERE slug = '@platform'";
        let found = self.0.query_one_raw(self.statement(sql, [])).await;
        let id: Uuid = found.unwrap().unwrap().try_get_by_index(0).unwrap();
        id.to_string()
    }

    pub(super) async fn read(&self, row: &Row, column: &Column) -> Value {
        let sql = format!(
            "SELECT {} FROM {} WHERE {} = $1",
            column.name, row.table, row.by.name
        );
        let statement = self.statement(&sql, [row.id.clone()]);
        let found = self.0.query_one_raw(statement).await.unwrap().unwrap();
        match column.kind {
            Kind::Bytes => Value::Bytes(found.try_get_by_index(0).unwrap()),
            Kind::Integer => Value::BigInt(found.try_get_by_index(0).unwrap()),
            Kind::Text => Value::String(found.try_get_by_index(0).unwrap()),
            Kind::Uuid => Value::Uuid(found.try_get_by_index(0).unwrap()),
        }
    }

    pub(super) async fn write(&self, row: &Row, column: &Column, value: Value) {
        // A row whose identity is being changed is found by what else is only its own.
        let (by, mark) = if column.name == row.by.name {
            (&row.unique, &row.mark)
        } else {
            (&row.by, &row.id)
        };
        let sql = format!(
            "UPDATE {} SET {} = $1 WHERE {} = $2",
            row.table, column.name, by.name
        );
        let done = self
            .0
            .execute_raw(self.statement(&sql, [value, mark.clone()]))
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1, "{}.{}", row.table, column.name);
    }

    /// Exchanges what two rows hold in a column.
    pub(super) async fn swap(&self, column: &Column, a: &Row, b: &Row) {
        let (in_a, in_b) = (self.read(a, column).await, self.read(b, column).await);
        // Out of the way first: the column may be unique.
        self.write(a, column, flipped(in_a.clone())).await;
        self.write(b, column, in_a).await;
        self.write(a, column, in_b).await;
    }

    /// Every row of every table, as text.
    pub(super) async fn dump(&self) -> String {
        let tables = [
            "answered_requests",
            "audit_events",
            "branch_keys",
            "data_keys",
            "deployment",
            "key_versions",
            "keys",
            "members",
            "projects",
            "provider_access",
            "workspaces",
        ];
        let mut dump = String::new();
        for table in tables {
            let sql = format!("SELECT row_to_json(t)::text FROM {table} t");
            for row in self
                .0
                .query_all_raw(self.statement(&sql, []))
                .await
                .unwrap()
            {
                dump.push_str(&row.try_get_by_index::<String>(0).unwrap());
            }
        }
        dump
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
            if bytes.is_empty() {
                bytes.push(0);
            } else {
                bytes[0] ^= 1;
            }
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
        Value::Uuid(uuid) => Value::Uuid(Some(Uuid::from_u128(
            uuid.map_or(1, |uuid| uuid.as_u128() ^ 1),
        ))),
        value => panic!("no column holds {value:?}"),
    }
}
