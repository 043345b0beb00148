//! The URL of a database, which may hold a password.

use sea_orm_migration::prelude::DbErr;
use sea_orm_migration::sea_orm::RuntimeErr;

/// The schemes of the databases that the schemas are for.
const SCHEMES: [&str; 3] = ["postgres://", "postgresql://", "sqlite:"];

/// Checks the scheme of a URL before it is connected to. The driver's own error quotes the URL, and with
/// it the password.
pub fn check_database_url(url: &str) -> Result<(), DbErr> {
    if SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    let problem = "the URL of the database must begin with postgres:// or sqlite:";
    Err(DbErr::Conn(RuntimeErr::Internal(problem.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_another_scheme_does_not_quote_the_url() {
        for url in [
            "postgress://latchkey:not-a-real-password@db/vault",
            "not-a-real-password",
            "",
        ] {
            let error = check_database_url(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("password"), "{text}");
        }
        for url in [
            "postgres://db/vault",
            "postgresql://db/vault",
            "sqlite::memory:",
        ] {
            assert!(check_database_url(url).is_ok(), "{url}");
        }
    }
}
