//! Further fields of a provider's own request: they are meant for the provider that the request was made
//! for, and no fallback's.

use std::borrow::Cow;

use latchkey_contract::router::v1::{EmbedRequest, GenerateImagesRequest, GenerateRequest};

use super::operation::EncodeTarget;

/// A request that may hold options.
pub(super) trait Optioned: Clone {
    /// Whether it holds any.
    fn has_options(&self) -> bool;

    /// The same without.
    fn without_options(&self) -> Self;
}

macro_rules! optioned {
    ($($request:ident),+) => {$(
        impl Optioned for $request {
            fn has_options(&self) -> bool {
                self.provider_options.is_some()
            }

            fn without_options(&self) -> Self {
                Self {
                    provider_options: None,
                    ..self.clone()
                }
            }
        }
    )+};
}

optioned!(EmbedRequest, GenerateImagesRequest, GenerateRequest);

impl EncodeTarget<'_> {
    /// A request as this provider may see it.
    pub(super) fn view_of<'a, R: Optioned>(&self, wanted: &'a R) -> Cow<'a, R> {
        if self.first_choice || !wanted.has_options() {
            Cow::Borrowed(wanted)
        } else {
            Cow::Owned(wanted.without_options())
        }
    }
}
