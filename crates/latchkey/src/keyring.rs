//! `latchkey keyring`: creates a keyring file.

use latchkey_boot::exit::Failure;
use latchkey_vault::custody::keyring::KeyRingFile;
use ring::rand::SystemRandom;

use crate::arguments::Keyring;

pub(crate) fn run(options: &Keyring) -> Result<(), Failure> {
    KeyRingFile::create(&options.file, &SystemRandom::new()).map_err(Failure::run)
}
