//! One test per database from one test function.

/// A test that takes longer waits for what never comes. It must fail by its name, not stop the others.
pub const TIME_LIMIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Makes two tests of each `async fn name(backend: Backend)`: one on PostgreSQL, one on SQLite.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let test = super::$name(latchkey_migrations::testing::Backend::Postgres);
                    tokio::time::timeout($crate::TIME_LIMIT, test).await.unwrap();
                }
            )+
        }
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let test = super::$name(latchkey_migrations::testing::Backend::Sqlite);
                    tokio::time::timeout($crate::TIME_LIMIT, test).await.unwrap();
                }
            )+
        }
    };
}
