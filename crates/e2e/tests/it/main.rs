//! Whole-system tests: both services, real databases, real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test states what must hold, and panics where it does not"
)]

mod architecture;
mod configuration;
mod conversation;
mod explain;
mod integrity;
mod journey;
mod leaks;
mod mutual_tls;
mod provider_faults;

/// Makes of each `async fn name(backend: Backend)` one test per database.
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
pub(crate) use on_both_databases;
