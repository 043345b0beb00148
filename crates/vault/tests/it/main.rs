//! The vault as its callers meet it: over a real socket, on SQLite and on PostgreSQL.
//!
//! The folders mirror `src/services`, one file per method.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the test's own queues hold a few messages"
)]

mod audit;
mod authorization;
mod harness;
mod keys;
mod leases;
mod members;
mod projects;
mod providers;
mod quarantine;
mod startup;
mod store;
mod tamper;
mod transport;
mod workspaces;

/// Makes a test of each function for each kind of database.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test]
            async fn postgres() {
                super::$test(crate::harness::Vault::start(Backend::Postgres).await).await;
            }

            #[tokio::test]
            async fn sqlite() {
                super::$test(crate::harness::Vault::start(Backend::Sqlite).await).await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;
