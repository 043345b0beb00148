//! How a process ends: exit codes, and one line on stderr with the reason.
//!
//! ```no_run
//! use latchkey_boot::exit::{self, Failure};
//!
//! fn main() -> std::process::ExitCode {
//!     exit::report(run())
//! }
//!
//! fn run() -> Result<(), Failure> {
//!     let telemetry: latchkey_boot::telemetry::TelemetryConfig =
//!         latchkey_boot::config::load(None, "APP_", [])?;
//!     # let _ = telemetry;
//!     Ok(())
//! }
//! ```

use std::error::Error;
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use crate::config::{ConfigError, SecretError};
use crate::server::{BindError, ServeError};
use crate::telemetry::TelemetryError;
use crate::tls::TlsError;

/// `EX_USAGE` of sysexits(3): the operator has to correct the configuration; a restart does not help.
pub const BAD_CONFIG: u8 = 64;

/// The process could not start or continue, for a reason outside its configuration.
pub const FAILED: u8 = 1;

/// Why a process failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    cause: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// The configuration is at fault: exit code [`BAD_CONFIG`].
    pub fn config(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: BAD_CONFIG,
            cause: cause.into(),
        }
    }

    /// Something else is at fault: exit code [`FAILED`].
    pub fn run(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: FAILED,
            cause: cause.into(),
        }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

/// Prints the error and everything that caused it, outermost first.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Turns the result of a whole run into an exit code, and prints on stderr why it failed.
pub fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // When stderr is closed, the exit code is all that can be reported.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::config(error)
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self::config(error)
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::config(error)
    }
}

impl From<TelemetryError> for Failure {
    fn from(error: TelemetryError) -> Self {
        Self::config(error)
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        match error {
            BindError::Tls(error) => error.into(),
            // A port in use may be free at the next start.
            error @ BindError::Address { .. } => Self::run(error),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Self::run(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::run(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable() -> ConfigError {
        ConfigError::Unreadable {
            file: "vault.toml".into(),
            source: std::io::Error::from(std::io::ErrorKind::NotFound),
        }
    }

    #[test]
    fn a_bad_configuration_exits_with_64() {
        assert_eq!(Failure::from(unreadable()).code(), 64);
    }

    #[test]
    fn any_other_failure_exits_with_1() {
        assert_eq!(Failure::run(unreadable()).code(), 1);
    }

    #[test]
    fn a_failure_prints_its_whole_chain() {
        assert_eq!(
            Failure::from(unreadable()).to_string(),
            "vault.toml: cannot be read: entity not found"
        );
    }

    /// The chain prints each source, so an error that also printed its own would repeat it.
    #[test]
    fn no_error_of_this_crate_prints_its_source() {
        let io = || std::io::Error::other("the disk is on fire");
        let errors: Vec<Box<dyn Error>> = vec![
            Box::new(ConfigError::Unreadable {
                file: "vault.toml".into(),
                source: io(),
            }),
            Box::new(SecretError::Unreadable {
                field: "token",
                file: "token".into(),
                source: io(),
            }),
            Box::new(TlsError::Unreadable {
                file: "ca.pem".into(),
                source: io(),
            }),
            Box::new(BindError::Address {
                listen: ([127, 0, 0, 1], 7700).into(),
                source: io(),
            }),
            Box::new(ServeError::Socket(io())),
        ];
        for error in errors {
            assert!(error.source().is_some(), "{error}");
            assert!(!error.to_string().contains("on fire"), "{error}");
        }
    }
}
