//! The router over real sockets, on SQLite and on PostgreSQL, between a fake vault and a fake
//! provider.
//!
//! The folders mirror those of `src`. The tests of a service have one file per method; files at the
//! top cover subjects that concern several methods.
#![expect(
    clippy::unwrap_used,
    reason = "a panic with its message is how a test fails"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test measures pauses, starts itself again, and its queues hold a few messages"
)]

mod authorization;
mod cancellation;
mod catalogue;
mod failover;
mod full_disk;
mod harness;
mod health;
mod inference;
mod key_check;
mod leases;
mod outages;
mod provider_call;
mod sessions;
mod store;
mod usage;
mod vault_client;

/// A test that takes longer waits for what never comes. It must fail by its name, not stop the others.
pub(crate) const TIME_LIMIT: std::time::Duration = std::time::Duration::from_mins(10);

/// Makes a test for each database of each function. An optional first argument, before a semicolon,
/// adjusts the configuration of the router.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        crate::on_both_databases!(|_| {}; $($test),+);
    };
    ($adjust:expr; $($test:ident),+ $(,)?) => {$(
        mod $test {
            use latchkey_migrations::testing::Backend;

            #[tokio::test]
            async fn postgres() {
                let test = async {
                    let router = crate::harness::Router::start_with(Backend::Postgres, $adjust).await;
                    super::$test(router).await;
                };
                tokio::time::timeout(crate::TIME_LIMIT, test).await.unwrap();
            }

            #[tokio::test]
            async fn sqlite() {
                let test = async {
                    let router = crate::harness::Router::start_with(Backend::Sqlite, $adjust).await;
                    super::$test(router).await;
                };
                tokio::time::timeout(crate::TIME_LIMIT, test).await.unwrap();
            }
        }
    )+};
}
pub(crate) use on_both_databases;
