//! Secrets in configuration: wiped when dropped, given inline or by file, never both.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// A secret text, such as the URL of a database with its password.
///
/// It has no `Debug`, `Clone` or `Serialize`, and is wiped when dropped. Copies that a parser made
/// before are not wiped.
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes ownership of a secret.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret. Call it where the secret is used, and keep no copy.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The secret of the fields `{field}` and `{field}_file`, exactly one of which must be set.
///
/// One line break at the end of the file is not part of the secret.
pub fn resolve_secret(
    inline: Option<SecretString>,
    file: Option<PathBuf>,
    field: &'static str,
) -> Result<SecretString, SecretError> {
    resolve_optional_secret(inline, file, field)?.ok_or(SecretError::Missing { field })
}

/// As [`resolve_secret`], for a secret that may be absent.
pub fn resolve_optional_secret(
    inline: Option<SecretString>,
    file: Option<PathBuf>,
    field: &'static str,
) -> Result<Option<SecretString>, SecretError> {
    let secret = match (inline, file) {
        (Some(_), Some(_)) => return Err(SecretError::Both { field }),
        (None, None) => return Ok(None),
        (Some(inline), None) => inline,
        (None, Some(file)) => read(file, field)?,
    };
    if secret.expose().is_empty() {
        return Err(SecretError::Empty { field });
    }
    Ok(Some(secret))
}

fn read(file: PathBuf, field: &'static str) -> Result<SecretString, SecretError> {
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(source) => {
            return Err(SecretError::Unreadable {
                field,
                file,
                source,
            });
        }
    };
    let mut text = String::from_utf8(bytes).map_err(|error| {
        error.into_bytes().zeroize();
        SecretError::NotUnicode { field, file }
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(SecretString::new(text))
}

/// Why a secret cannot be read.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Both fields are set.
    #[error("`{field}` and `{field}_file` are both set, keep one")]
    Both {
        /// The field of the inline secret.
        field: &'static str,
    },
    /// Neither field is set.
    #[error("neither `{field}` nor `{field}_file` is set")]
    Missing {
        /// The field of the inline secret.
        field: &'static str,
    },
    /// The secret is empty.
    #[error("the secret of `{field}` or `{field}_file` is empty")]
    Empty {
        /// The field of the inline secret.
        field: &'static str,
    },
    /// The file cannot be read.
    #[error("`{field}_file`: {} cannot be read", file.display())]
    Unreadable {
        /// The field of the inline secret.
        field: &'static str,
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not UTF-8.
    #[error("`{field}_file`: {} is not UTF-8", file.display())]
    NotUnicode {
        /// The field of the inline secret.
        field: &'static str,
        /// The file.
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn an_inline_secret_is_taken_verbatim() {
        let secret = resolve_secret(Some(secret(" s3cret\n")), None, "token")
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(secret.expose(), " s3cret\n");
    }

    #[test]
    fn one_line_break_at_the_end_of_a_file_is_not_part_of_the_secret() {
        for (content, expected) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            (" a ", " a "),
        ] {
            let (_folder, path) = file(content.as_bytes());
            let secret =
                resolve_secret(None, Some(path), "token").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(secret.expose(), expected);
        }
    }

    #[test]
    fn a_secret_given_twice_is_refused() {
        let result = resolve_secret(Some(secret("a")), Some("/b".into()), "token");
        let error = result.err().unwrap();
        assert_eq!(
            error.to_string(),
            "`token` and `token_file` are both set, keep one"
        );
    }

    #[test]
    fn a_secret_given_nowhere_is_missing_or_absent() {
        assert!(matches!(
            resolve_secret(None, None, "token"),
            Err(SecretError::Missing { field: "token" })
        ));
        assert!(matches!(
            resolve_optional_secret(None, None, "token"),
            Ok(None)
        ));
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let (_folder, path) = file(b"\n");
        assert!(matches!(
            resolve_secret(None, Some(path), "token"),
            Err(SecretError::Empty { .. })
        ));
        assert!(matches!(
            resolve_secret(Some(secret("")), None, "token"),
            Err(SecretError::Empty { .. })
        ));
    }

    #[test]
    fn a_file_that_is_missing_or_not_text_is_named() {
        let error = resolve_secret(None, Some("/nowhere/secret".into()), "token")
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "`token_file`: /nowhere/secret cannot be read"
        );

        let (_folder, path) = file(&[0xff]);
        let error = resolve_secret(None, Some(path.clone()), "token")
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            format!("`token_file`: {} is not UTF-8", path.display())
        );
    }
}
