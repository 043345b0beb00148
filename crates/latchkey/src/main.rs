//! The `latchkey` command. Without arguments it runs `latchkey dev`.

mod arguments;
mod dev;
mod keyring;
mod migrate;
mod platform_keys;

use std::process::ExitCode;

use clap::Parser as _;
use latchkey_boot::exit::{Failure, report};

use arguments::{Arguments, Command, PlatformKeys};

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command.unwrap_or_default() {
        Command::Dev(options) => dev::run(options).await,
        Command::Keyring(options) => keyring::run(&options),
        Command::Migrate(options) => migrate::run(options).await,
        Command::PlatformKeys(PlatformKeys::Import(options)) => platform_keys::run(options).await,
    }
}
