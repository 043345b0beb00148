//! A whole deployment in one process, for tests and benchmarks: a real vault and a real router over
//! real databases and sockets, and fake providers. A provider's behaviour is chosen by the name of
//! the model that a request names.

mod credential;
mod deployment;
pub mod history;
mod on_both_databases;
mod provider;
mod refusal;
mod requests;
mod world;

pub use deployment::{Certificates, Deployment, Security, channel};
pub use on_both_databases::TIME_LIMIT;
pub use provider::{FakeProvider, Recorded};
pub use refusal::{Refused, refused};
pub use requests::{Clients, custom_key, prompt};
pub use world::{
    HELD, Prompt, TOOL, World, entra_client, service_account, service_account_of, world_key,
};
