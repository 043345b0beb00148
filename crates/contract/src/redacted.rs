//! `Debug` for the messages that carry material. The generator derives none for them; the field
//! option `debug_redact` says which they are, and a test holds that list to this file.

use std::fmt::{Debug, Formatter, Result};

use crate::vault::v1::{KeyMaterial, Lease, VerificationErrand, key_material};

const REDACTED: &str = "<redacted>";

impl Debug for KeyMaterial {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("KeyMaterial")
            .field("kind", &self.kind)
            .finish()
    }
}

impl Debug for key_material::Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::ApiKey(_) => f.debug_tuple("ApiKey").field(&REDACTED).finish(),
        }
    }
}

impl Debug for Lease {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Lease")
            .field("lease_id", &self.lease_id)
            .field("key_version", &self.key_version)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("api_key", &REDACTED)
            .field("payer", &self.payer())
            .finish_non_exhaustive()
    }
}

impl Debug for VerificationErrand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("VerificationErrand")
            .field("errand_id", &self.errand_id)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url)
            .field("api_key", &REDACTED)
            .finish()
    }
}
