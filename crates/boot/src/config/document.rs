//! A configuration file: its values, and the line on which each of its fields stands.

use std::path::{Path, PathBuf};

use figment::value::Dict;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::ConfigError;

/// The text of a file, wiped when dropped because it may hold secrets.
pub(super) struct Source {
    path: PathBuf,
    text: Zeroizing<String>,
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.to_owned(),
                text: Zeroizing::new(text),
            }),
            Err(source) => Err(ConfigError::Unreadable {
                file: path.to_owned(),
                source,
            }),
        }
    }
}

/// A parsed file.
pub(super) struct Document<'a> {
    source: &'a Source,
    root: Spanned<DeTable<'a>>,
    values: Dict,
}

impl<'a> Document<'a> {
    pub(super) fn parse(source: &'a Source) -> Result<Self, ConfigError> {
        let refused = |error: &toml::de::Error| ConfigError::Syntax {
            file: source.path.clone(),
            line: line_at(&source.text, error.span().map_or(0, |span| span.start)),
            // `Display` of this error quotes the line, which may be a secret's.
            problem: error.message().to_owned(),
        };
        let root = DeTable::parse(&source.text).map_err(|error| refused(&error))?;
        let values = Dict::deserialize(toml::de::Deserializer::from(root.clone()))
            .map_err(|error| refused(&error))?;
        Ok(Self {
            source,
            root,
            values,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.source.path
    }

    pub(super) fn values(&self) -> &Dict {
        &self.values
    }

    /// Whether the file itself sets `field`.
    pub(super) fn contains(&self, field: &[String]) -> bool {
        self.locate(field)
            .is_some_and(|(depth, _)| depth == field.len())
    }

    /// The line of `field`, or of the nearest table around it that the file spells out.
    pub(super) fn line(&self, field: &[String]) -> Option<usize> {
        let (_, offset) = self.locate(field)?;
        Some(line_at(&self.source.text, offset))
    }

    /// How many steps of `field` the file has, and the byte offset of the last of them.
    fn locate(&self, field: &[String]) -> Option<(usize, usize)> {
        let (first, rest) = field.split_first()?;
        let (mut offset, mut value) = entry(self.root.get_ref(), first)?;
        let mut depth = 1;
        for step in rest {
            let next = match value {
                DeValue::Table(table) => entry(table, step),
                DeValue::Array(array) => step
                    .parse()
                    .ok()
                    .and_then(|index: usize| array.get(index))
                    .map(|element| (element.span().start, element.get_ref())),
                _ => None,
            };
            let Some(found) = next else { break };
            (offset, value) = found;
            depth += 1;
        }
        Some((depth, offset))
    }
}

fn entry<'t, 'a>(table: &'t DeTable<'a>, key: &str) -> Option<(usize, &'t DeValue<'a>)> {
    table
        .iter()
        .find(|(candidate, _)| candidate.get_ref() == key)
        .map(|(candidate, value)| (candidate.span().start, value.get_ref()))
}

/// Lines count from 1, as editors do.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
