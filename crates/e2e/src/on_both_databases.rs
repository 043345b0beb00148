//! One test per database from one test function.

/// Makes two tests of each `async fn name(backend: Backend)`: one on PostgreSQL, one on SQLite.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(latchkey_migrations::testing::Backend::Postgres).await;
                }
            )+
        }
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(latchkey_migrations::testing::Backend::Sqlite).await;
                }
            )+
        }
    };
}
