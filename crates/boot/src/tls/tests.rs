//! Which files are accepted, and how the others are named. Handshakes are in `tests/it`.

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// A self-signed certificate and its key, in files.
struct Files {
    folder: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap();
        let files = Self {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
            folder,
        };
        std::fs::write(&files.cert, cert.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn server(&self) -> ServerTls {
        ServerTls {
            cert_file: self.cert.clone(),
            key_file: self.key.clone(),
            client_ca_file: None,
            client_auth: None,
        }
    }

    fn client(&self) -> ClientTls {
        ClientTls {
            ca_file: self.cert.clone(),
            cert_file: None,
            key_file: None,
            domain: None,
        }
    }
}

#[test]
fn fitting_files_are_accepted() {
    let files = Files::new();
    files.server().load().unwrap();
    files.client().load().unwrap();
    let mut client = files.client();
    client.cert_file = Some(files.cert.clone());
    client.key_file = Some(files.key.clone());
    client.domain = Some("vault.example.com".to_owned());
    client.load().unwrap();
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let files = Files::new();
    let mut server = files.server();
    server.key_file = files.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let error = server.load().unwrap_err();
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
}

#[test]
fn a_file_without_the_expected_pem_block_is_named() {
    let files = Files::new();
    let empty = files.write("empty.pem", "");

    let mut server = files.server();
    server.cert_file.clone_from(&empty);
    let error = server.load().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: has no PEM certificate", empty.display())
    );

    let mut server = files.server();
    server.key_file.clone_from(&empty);
    let error = server.load().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: has no usable PEM private key", empty.display())
    );

    let mut client = files.client();
    client.ca_file = "/nowhere/ca.pem".into();
    let error = client.load().unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/ca.pem: cannot be read");
}

#[test]
fn an_authority_file_without_a_valid_certificate_is_refused() {
    let files = Files::new();
    let mut client = files.client();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    client.ca_file = files.write("garbage.pem", pem);
    let error = client.load().unwrap_err();
    assert!(matches!(error, TlsError::Authority { .. }), "{error}");
}

#[test]
fn client_auth_without_an_authority_is_refused() {
    let files = Files::new();
    let mut server = files.server();
    server.client_auth = Some(ClientAuth::Optional);
    assert!(matches!(
        server.load(),
        Err(TlsError::ClientAuthWithoutAuthority)
    ));
}

#[test]
fn half_a_client_certificate_is_refused() {
    let files = Files::new();
    let mut client = files.client();
    client.cert_file = Some(files.cert.clone());
    assert!(matches!(
        client.load(),
        Err(TlsError::Half {
            missing: "key_file"
        })
    ));
    client.key_file = client.cert_file.take();
    assert!(matches!(
        client.load(),
        Err(TlsError::Half {
            missing: "cert_file"
        })
    ));
}

#[test]
fn a_domain_that_is_neither_a_name_nor_an_address_is_refused() {
    let files = Files::new();
    let mut client = files.client();
    client.domain = Some("not a name".to_owned());
    assert!(matches!(client.load(), Err(TlsError::Domain)));
}

#[test]
fn the_crypto_provider_may_be_installed_twice() {
    install_crypto_provider();
    install_crypto_provider();
}
