//! Update masks (AIP-134): which fields an update changes.

use prost_types::FieldMask;

use crate::error::VaultError;

/// The fields that an update names, or has set where it names none.
pub(super) struct Mask {
    paths: Option<Vec<String>>,
}

impl Mask {
    /// Reads a mask that may name `allowed` fields. A field outside is refused by name, with words
    /// from `forbidden` where there are some.
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
            let words = forbidden.iter().find(|(field, _)| field == path);
            let words = words.map_or("is not a field that can be changed", |(_, words)| words);
            return Err(VaultError::field(
                "update_mask",
                format!("`{path}` {words}"),
            ));
        }
        Ok(Self { paths: Some(paths) })
    }

    /// Whether `field` is to be changed to what the message holds. `set` says whether it holds
    /// anything, which counts where no field was named.
    pub(super) fn changes(&self, field: &str, set: bool) -> bool {
        match &self.paths {
            Some(paths) => paths.iter().any(|path| path == field),
            None => set,
        }
    }
}
