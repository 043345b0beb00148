//! The files that `latchkey dev` keeps between runs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use latchkey_boot::config::SecretString;
use latchkey_boot::exit::Failure;
use latchkey_vault::custody::keyring::KeyRingFile;
use ring::rand::{SecureRandom as _, SystemRandom};

/// The folder of one development deployment.
pub(super) struct Folder {
    path: PathBuf,
    admin: String,
}

impl Folder {
    /// Opens the folder, or makes it with a keyring and an admin token.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(Failure::run)?;
        let keyring = path.join("keyring.toml");
        if !keyring.exists() {
            KeyRingFile::create(&keyring, &SystemRandom::new()).map_err(Failure::run)?;
        }
        let token = path.join("admin.token");
        if !token.exists() {
            let mut options = fs::OpenOptions::new();
            let file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&token);
            file.and_then(|mut file| file.write_all(random_token()?.as_bytes()))
                .map_err(Failure::run)?;
        }
        let admin = fs::read_to_string(&token)
            .map_err(Failure::run)?
            .trim()
            .to_owned();
        Ok(Self {
            path: path.to_owned(),
            admin,
        })
    }

    /// The admin's token.
    pub(super) fn admin_token(&self) -> SecretString {
        SecretString::new(self.admin.clone())
    }

    /// A file in the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The URL of a database in the folder.
    pub(super) fn database(&self, name: &str) -> SecretString {
        SecretString::new(format!("sqlite://{}?mode=rwc", self.file(name).display()))
    }
}

/// 256 random bits as text.
pub(super) fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the source of randomness failed"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}
