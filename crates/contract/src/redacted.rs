//! `Debug` for the messages with a scalar field that is marked `debug_redact`. The generator derives no
//! `Debug` for them, and a test checks that each has its implementation here.

use std::fmt::{Debug, Formatter, Result};

use crate::vault::v1::{DataKey, EntraClient, KeyMaterial, key_material};

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
            Self::ServiceAccountJson(_) => {
                let mut tuple = f.debug_tuple("ServiceAccountJson");
                tuple.field(&REDACTED).finish()
            }
            Self::EntraClient(client) => f.debug_tuple("EntraClient").field(client).finish(),
        }
    }
}

impl Debug for DataKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("DataKey")
            .field("name", &self.name)
            .field("material", &REDACTED)
            .field("workspace_uid", &self.workspace_uid)
            .finish()
    }
}

impl Debug for EntraClient {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("EntraClient")
            .field("tenant_id", &self.tenant_id)
            .field("client_id", &self.client_id)
            .field("client_secret", &REDACTED)
            .finish()
    }
}
