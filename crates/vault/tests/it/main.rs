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

/// A test that takes longer waits for what never comes. It must fail by its name, not stop the others.
pub(crate) const TIME_LIMIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Makes a test of each function for each kind of database.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test]
            async fn postgres() {
                let test = async { super::$test(crate::harness::Vault::start(Backend::Postgres).await).await };
                tokio::time::timeout(crate::TIME_LIMIT, test).await.unwrap();
            }

            #[tokio::test]
            async fn sqlite() {
                let test = async { super::$test(crate::harness::Vault::start(Backend::Sqlite).await).await };
                tokio::time::timeout(crate::TIME_LIMIT, test).await.unwrap();
            }
        }
    )+};
}
pub(crate) use on_both_databases;
