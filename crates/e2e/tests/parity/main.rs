//! Five products let their customers bring their own keys. Each documented behaviour of theirs is a
//! test here, over real sockets and databases; `docs/product-parity.md` lists all of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test states what must hold, and panics where it does not"
)]

mod aikeedo;
mod anchor;
mod geekflare;
mod neotask;
mod preset;
mod qodex;
mod scene;
mod table;

use latchkey_e2e::on_both_databases;
