//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps customers' own LLM provider keys and spends them safely.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs both services on loopback over SQLite, with a sandbox provider. The default.
    Dev(Dev),
    /// Creates a keyring file with a fresh root key.
    Keyring(Keyring),
    /// Brings a database's schema up to date.
    Migrate(Migrate),
    /// The platform's own keys.
    #[command(subcommand)]
    PlatformKeys(PlatformKeys),
}

impl Default for Command {
    fn default() -> Self {
        let Arguments { command } = Arguments::parse_from(["latchkey", "dev"]);
        command.expect("the command is given")
    }
}

#[derive(Args)]
pub(crate) struct Dev {
    /// The folder of databases, keyring, journal and admin token.
    #[arg(long, default_value = "latchkey-dev")]
    pub(crate) folder: PathBuf,
    /// The vault's port on loopback; 0 for any.
    #[arg(long, default_value_t = 7700)]
    pub(crate) vault_port: u16,
    /// The router's port on loopback; 0 for any.
    #[arg(long, default_value_t = 7701)]
    pub(crate) router_port: u16,
    /// The sandbox provider's port on loopback; 0 for any.
    #[arg(long, default_value_t = 7702)]
    pub(crate) sandbox_port: u16,
    /// What is logged, in the syntax of `RUST_LOG`.
    #[arg(long, default_value = "warn")]
    pub(crate) log: String,
    /// Ends after the demonstration instead of serving on.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Args)]
pub(crate) struct Keyring {
    /// The file to create. An existing file is not overwritten.
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Migrate {
    /// The service whose schema is migrated.
    #[arg(value_enum)]
    pub(crate) schema: Schema,
    /// A file that holds the database's URL. Without it the variable `LATCHKEY_DATABASE_URL` is read.
    /// An argument would show the URL's password to every user of the machine.
    #[arg(long)]
    pub(crate) url_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum PlatformKeys {
    /// Stores the providers' keys in the environment as platform keys, and prints the outcomes.
    Import(ImportPlatformKeys),
}

#[derive(Args)]
pub(crate) struct ImportPlatformKeys {
    /// The vault: `http://host:port`, or `https://host:port` with `--ca-file`.
    #[arg(long)]
    pub(crate) vault: String,
    /// A file that holds the token of an operator.
    #[arg(long, required_unless_present = "cert_file")]
    pub(crate) token_file: Option<PathBuf>,
    /// The authorities that sign the vault's certificate, PEM.
    #[arg(long)]
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificate of an operator, PEM.
    #[arg(long, requires = "ca_file", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// Seconds to wait for the vault, and for a router that checks the keys.
    #[arg(long, default_value_t = 60)]
    pub(crate) wait: u64,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Schema {
    Vault,
    Router,
}
