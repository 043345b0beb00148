//! Update masks (AIP-134): which fields an update changes.

use prost_types::FieldMask;

use crate::error::RouterError;

/// The fields that an update names, or has set where it names none.
pub(super) struct Mask {
    paths: Option<Vec<String>>,
}

impl Mask {
    /// Reads a mask that may name `allowed` fields. A field outside is refused by name.
    pub(super) fn parse(mask: Option<&FieldMask>, allowed: &[&str]) -> Result<Self, RouterError> {
        let paths = mask.map(|mask| &mask.paths);
        let Some(paths) = paths.filter(|paths| !paths.is_empty()) else {
            return Ok(Self { paths: None });
        };
        let refused = paths.iter().find(|path| !allowed.contains(&path.as_str()));
        if let Some(path) = refused {
            let problem = format!("`{path}` is not a field that can be changed");
            return Err(RouterError::field("update_mask", problem));
        }
        Ok(Self {
            paths: Some(paths.clone()),
        })
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
