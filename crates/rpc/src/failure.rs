//! How this crate's start-up errors end a process: both are errors of the configuration.

use latchkey_boot::exit::Failure;

use crate::client::ChannelError;
use crate::identity::IdentityError;

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        Self::config(error)
    }
}

impl From<ChannelError> for Failure {
    fn from(error: ChannelError) -> Self {
        Self::config(error)
    }
}
