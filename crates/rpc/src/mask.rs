//! Update masks (AIP-134): which fields an update changes.

use prost_types::FieldMask;

/// The fields that an update changes: those that the mask names or, without a mask, those that the
/// message sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mask {
    paths: Option<Vec<String>>,
}

/// A path of a mask that the update can't change.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{path}` {problem}")]
pub struct MaskError {
    /// The path.
    pub path: String,
    /// Why it can't be changed, or which paths can be.
    pub problem: String,
}

impl Mask {
    /// Reads a mask that may name the `allowed` fields. `forbidden` gives reasons for fields that
    /// callers are likely to try.
    pub fn parse(
        mask: Option<FieldMask>,
        allowed: &[&str],
        forbidden: &[(&str, &'static str)],
    ) -> Result<Self, MaskError> {
        let paths = mask.map(|mask| mask.paths).unwrap_or_default();
        let refused = paths
            .iter()
            .find(|path| !allowed.contains(&path.as_str()))
            .cloned();
        if let Some(path) = refused {
            let reason = forbidden.iter().find(|(field, _)| *field == path);
            let problem = match reason {
                Some((_, problem)) => (*problem).to_owned(),
                None => format!("can't be changed: name one of `{}`", allowed.join("`, `")),
            };
            return Err(MaskError { path, problem });
        }
        // An empty mask stands for an absent one (AIP-134).
        let paths = Some(paths).filter(|paths| !paths.is_empty());
        Ok(Self { paths })
    }

    /// Whether `field` takes the message's value. `set` is whether the message sets the field,
    /// which decides when there is no mask.
    pub fn changes(&self, field: &str, set: bool) -> bool {
        match &self.paths {
            Some(paths) => paths.iter().any(|path| path == field),
            None => set,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [&str; 2] = ["display_name", "labels"];

    fn parse(paths: &[&str]) -> Result<Mask, MaskError> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let forbidden = [("name", "is immutable")];
        Mask::parse(Some(FieldMask { paths }), &ALLOWED, &forbidden)
    }

    #[test]
    fn a_mask_changes_the_fields_it_names_set_or_not() {
        let mask = parse(&["labels"]).unwrap();
        assert!(mask.changes("labels", false));
        assert!(!mask.changes("display_name", true));
    }

    #[test]
    fn without_a_mask_the_fields_that_are_set_change() {
        for mask in [parse(&[]), Mask::parse(None, &ALLOWED, &[])] {
            let mask = mask.unwrap();
            assert!(mask.changes("labels", true));
            assert!(!mask.changes("display_name", false));
        }
    }

    #[test]
    fn a_path_that_is_not_allowed_is_refused_by_name() {
        let unknown = parse(&["labels", "labls"]).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "`labls` can't be changed: name one of `display_name`, `labels`"
        );
        let forbidden = parse(&["name"]).unwrap_err();
        assert_eq!(forbidden.to_string(), "`name` is immutable");
    }
}
