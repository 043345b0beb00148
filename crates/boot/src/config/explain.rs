//! From the error of a deserializer to a place, a field and a fault, without the value.

use figment::Figment;
use figment::error::{Actual, Kind};
use figment::value::Value;

use super::document::Document;
use super::environment::Variables;
use super::{ConfigError, Fault, Field, Place};

pub(super) fn explain(
    error: figment::Error,
    document: Option<&Document<'_>>,
    variables: &Variables,
    layers: &Figment,
) -> ConfigError {
    let mut path = error.path;
    match &error.kind {
        Kind::UnknownField(name, _) if path.last() != Some(name) => path.push(name.clone()),
        Kind::MissingField(name) => path.push(name.to_string()),
        _ => {}
    }
    let place = place(&path, document, variables);
    let value = layers
        .find_value(&path.join("."))
        .or_else(|_| layers.extract());
    let blotter = Blotter::over(value.ok().as_ref());
    let fault = fault(error.kind, path, &place, variables, &blotter);
    ConfigError::Refused { place, fault }
}

fn place(field: &[String], document: Option<&Document<'_>>, variables: &Variables) -> Place {
    let in_file = document.is_some_and(|document| document.contains(field));
    let variable = variables
        .setting(field)
        .or_else(|| variables.beneath(field).filter(|_| !in_file));
    match (variable, document) {
        (Some(variable), _) => Place::Variable(variable.to_owned()),
        (None, Some(document)) => Place::File {
            file: document.path().to_owned(),
            line: document.line(field),
        },
        (None, None) => Place::Nowhere,
    }
}

fn fault(
    kind: Kind,
    path: Vec<String>,
    place: &Place,
    variables: &Variables,
    blotter: &Blotter,
) -> Fault {
    let variable = variables.name_for(&path);
    let field = Field(path);
    match kind {
        Kind::UnknownField(_, expected) => Fault::UnknownField { field, expected },
        Kind::MissingField(_) => Fault::MissingField { field, variable },
        Kind::UnknownVariant(_, expected) => Fault::UnknownVariant { field, expected },
        Kind::InvalidType(found, expected) => {
            let found = type_name(&found);
            if matches!(place, Place::Variable(_)) && expected == "a string" {
                Fault::Unquoted { field, found }
            } else {
                let expected = blotter.blot(expected);
                Fault::WrongType {
                    field,
                    found,
                    expected,
                }
            }
        }
        Kind::InvalidValue(_, expected) | Kind::InvalidLength(_, expected) => Fault::InvalidValue {
            field,
            expected: blotter.blot(expected),
        },
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => Fault::InvalidValue {
            field,
            expected: "a smaller number".to_owned(),
        },
        Kind::Unsupported(found) | Kind::UnsupportedKey(found, _) => Fault::WrongType {
            field,
            found: type_name(&found),
            expected: "a supported type".to_owned(),
        },
        Kind::DuplicateField(_) => Fault::Rejected {
            field,
            reason: "set twice".to_owned(),
        },
        Kind::Message(reason) => Fault::Rejected {
            field,
            reason: blotter.blot(reason),
        },
    }
}

fn type_name(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a float",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a string",
        Actual::Seq => "an array",
        Actual::Map => "a table",
        _ => "of another type",
    }
}

/// Masks configured values in a message: a field's parser may quote the value that it refuses, and
/// that value may be a secret in the wrong place.
struct Blotter(Vec<String>);

impl Blotter {
    /// Shorter values are ordinary words and digits; masking them would garble every message.
    const SHORTEST: usize = 4;

    fn over(value: Option<&Value>) -> Self {
        let mut values = Vec::new();
        if let Some(value) = value {
            gather(value, &mut values);
        }
        // Longest first: masking a value inside another first would leave the rest of the other.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    fn blot(&self, message: String) -> String {
        self.0
            .iter()
            .fold(message, |message, value| message.replace(value, "(hidden)"))
    }
}

fn gather(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Dict(_, table) => table.values().for_each(|inner| gather(inner, into)),
        Value::Array(_, array) => array.iter().for_each(|inner| gather(inner, into)),
        Value::String(_, text) if text.len() >= Blotter::SHORTEST => into.push(text.clone()),
        Value::Num(_, number) => {
            let digits = number
                .to_u128()
                .map(|number| number.to_string())
                .or_else(|| number.to_i128().map(|number| number.to_string()))
                .or_else(|| number.to_f64().map(|number| number.to_string()));
            into.extend(digits.filter(|digits| digits.len() >= Blotter::SHORTEST));
        }
        _ => {}
    }
}
