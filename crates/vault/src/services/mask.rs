//! Update masks (AIP-134): which fields an update changes.

use prost_types::FieldMask;

use crate::error::VaultError;

/// The fields that an update names; where it names none, the fields that are set.
pub(super) struct Mask {
    paths: Option<Vec<String>>,
}

impl Mask {
    /// Reads a mask that may name `allowed` fields. Another field is refused by name, with the advice of
    /// `forbidden` where it has one.
    pub(super) fn parse(
        mask: Option<FieldMask>,
        allowed: &[&str],
        forbidden: &[(&str, &'static str)],
    ) -> Result<Self, VaultError> {
        let Some(paths) = mask
            .map(|mask| mask.paths)
            .filter(|paths| !paths.is_empty())
        else {
            return Ok(Self { paths: None });
        };
        for path in &paths {
            if allowed.contains(&path.as_str()) {
                continue;
            }
            let advice = forbidden.iter().find(|(field, _)| field == path);
            let problem = advice.map_or("is not a field that can be changed", |(_, advice)| advice);
            return Err(VaultError::field(
                "update_mask",
                format!("`{path}` {problem}"),
            ));
        }
        Ok(Self { paths: Some(paths) })
    }

    /// Whether the update changes `field`. `set` is whether the message holds a value, which decides
    /// where the mask names no field.
    pub(super) fn changes(&self, field: &str, set: bool) -> bool {
        match &self.paths {
            Some(paths) => paths.iter().any(|path| path == field),
            None => set,
        }
    }
}
