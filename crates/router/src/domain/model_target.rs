//! One step of a plan: a model with its provider and key.

use std::fmt::Display;
use std::str::FromStr;

use latchkey_contract::ProviderId;

use super::key_ref::KeyRef;
use super::model_id::ModelId;
use super::target_fields::{InvalidField, TargetFields};

/// Fallbacks of one list at most.
pub const MAX_FALLBACKS: usize = 8;

/// A model to call. The choice of the key determines the fields that are none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ModelTarget {
    /// The provider; none where the key determines it.
    pub provider: Option<ProviderId>,
    /// The model; none for the key's default.
    pub model: Option<ModelId>,
    /// A key and no other; none for the vault's choice.
    pub key: Option<KeyRef>,
}

impl ModelTarget {
    /// Parses the fields of a message. An empty field is none.
    pub fn parse(fields: TargetFields<'_>) -> Result<Self, InvalidField> {
        Ok(Self {
            provider: parse("provider", fields.provider)?,
            model: parse("model", fields.model)?,
            key: parse("key", fields.key)?,
        })
    }

    /// The provider as text; empty where it is none.
    pub fn provider_text(&self) -> &str {
        self.provider.map_or("", ProviderId::as_str)
    }

    /// The model as text; empty where it is none.
    pub fn model_text(&self) -> &str {
        self.model.as_ref().map_or("", ModelId::as_str)
    }

    /// The key as text; empty where it is none.
    pub fn key_text(&self) -> String {
        self.key
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// Whether keys of several providers may serve it, each with its default model.
    pub fn is_open(&self) -> bool {
        self.provider.is_none() && self.key.is_none()
    }

    /// Whether another key may come with another model.
    pub fn model_depends_on_the_key(&self) -> bool {
        self.model.is_none() && self.key.is_none()
    }
}

fn parse<T: FromStr<Err: Display>>(
    field: &'static str,
    text: &str,
) -> Result<Option<T>, InvalidField> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.parse().map_err(|error: T::Err| InvalidField {
        field,
        problem: error.to_string(),
    });
    parsed.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(provider: &str, model: &str, key: &str) -> Result<ModelTarget, &'static str> {
        let fields = TargetFields {
            provider,
            model,
            key,
        };
        ModelTarget::parse(fields).map_err(|error| error.field)
    }

    #[test]
    fn a_target_is_written_as_it_was_parsed() {
        for fields in [
            ("", "", ""),
            ("openai", "gpt-5.4", "platform/keys/shared"),
            ("", "gpt-5.4", ""),
            ("azure", "", "main"),
        ] {
            let (provider, model, key) = fields;
            let target = parsed(provider, model, key).unwrap();
            let text = (
                target.provider_text(),
                target.model_text(),
                &*target.key_text(),
            );
            assert_eq!(text, fields);
        }
    }

    #[test]
    fn an_invalid_field_is_named() {
        assert_eq!(parsed("OpenAI", "", ""), Err("provider"));
        assert_eq!(parsed("", &"m".repeat(257), ""), Err("model"));
        assert_eq!(parsed("", "", "Main"), Err("key"));
    }
}
