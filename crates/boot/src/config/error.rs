//! Errors of a configuration. None of them holds or prints a configured value.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {problem}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// The parser's message, without the line's content.
        problem: String,
    },
    /// A variable's value is not UTF-8.
    #[error("{variable}: the value is not UTF-8")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// A variable's name has an empty level.
    #[error("{variable}: two underscores separate levels, and no level may be empty")]
    MalformedVariable {
        /// The variable.
        variable: String,
    },
    /// A field is unknown, missing, or has an invalid value.
    #[error("{place}: {fault}")]
    Refused {
        /// Its place.
        place: Place,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// The place of a faulty field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the file.
    File {
        /// The file.
        file: PathBuf,
        /// From 1; absent when the file does not mention the field or a table around it.
        line: Option<usize>,
    },
    /// In an environment variable.
    Variable(String),
    /// No place: there is no file, and no variable sets the field.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                file,
                line: Some(line),
            } => write!(f, "{}:{line}", file.display()),
            Self::File { file, line: None } => write!(f, "{}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Nowhere => f.write_str("configuration"),
        }
    }
}

/// What is wrong with a field.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// The table has no such field.
    #[error("unknown field `{field}`, expected {}", OneOf(expected))]
    UnknownField {
        /// The field as written.
        field: Field,
        /// The fields that its table has.
        expected: &'static [&'static str],
    },
    /// A field without a default is not set.
    #[error("missing field `{field}`{}", Hint(variable.as_deref()))]
    MissingField {
        /// The field.
        field: Field,
        /// The variable that would set it.
        variable: Option<String>,
    },
    /// The value has another type.
    #[error("`{field}` is {found}, expected {expected}")]
    WrongType {
        /// The field.
        field: Field,
        /// The type found.
        found: &'static str,
        /// The type wanted.
        expected: String,
    },
    /// A variable's value looks like a number, a boolean or an array where a string is wanted.
    #[error("`{field}` is {found}, expected a string: put the value in double quotes")]
    Unquoted {
        /// The field.
        field: Field,
        /// The type found.
        found: &'static str,
    },
    /// The value has the right type and is not allowed.
    #[error("`{field}` has an invalid value, expected {expected}")]
    InvalidValue {
        /// The field.
        field: Field,
        /// What is allowed.
        expected: String,
    },
    /// The value is none of the names allowed.
    #[error("`{field}` has an unknown value, expected {}", OneOf(expected))]
    UnknownVariant {
        /// The field.
        field: Field,
        /// The names allowed.
        expected: &'static [&'static str],
    },
    /// The field's own parser refused the value.
    #[error("`{field}`: {reason}")]
    Rejected {
        /// The field.
        field: Field,
        /// The parser's message, with the value masked.
        reason: String,
    },
}

/// The path of a field, printed as `table.array[0].field`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field(pub Vec<String>);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            if step.parse::<usize>().is_ok() {
                write!(f, "[{step}]")?;
            } else if depth == 0 {
                f.write_str(step)?;
            } else {
                write!(f, ".{step}")?;
            }
        }
        Ok(())
    }
}

struct OneOf<'a>(&'a [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0 else {
            return f.write_str("none");
        };
        if !rest.is_empty() {
            f.write_str("one of ")?;
        }
        write!(f, "`{first}`")?;
        rest.iter().try_for_each(|name| write!(f, ", `{name}`"))
    }
}

struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(variable) => write!(f, ", which {variable} also sets"),
            None => Ok(()),
        }
    }
}
