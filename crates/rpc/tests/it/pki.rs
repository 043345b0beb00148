//! Authorities and the certificates they sign, in files.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use latchkey_boot::tls::{ClientAuth, ClientTls, ServerTls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use tempfile::TempDir;

pub(crate) struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Authority {
    /// `name` is part of what its certificates say; another authority must have another name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, name.to_owned());
        let key = KeyPair::generate().unwrap();
        let authority = Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        };
        std::fs::write(authority.file(), authority.issuer.pem()).unwrap();
        authority
    }

    /// The authority's own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for 127.0.0.1.
    pub(crate) fn server(&self) -> Files {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.issue("server", vec![SanType::IpAddress(address)])
    }

    /// A certificate that bears `uri`.
    pub(crate) fn client(&self, uri: &str) -> Files {
        self.issue("client", vec![SanType::URI(uri.try_into().unwrap())])
    }

    /// A certificate that bears no URI.
    pub(crate) fn client_without_uri(&self) -> Files {
        let name = "client.example.org".try_into().unwrap();
        self.issue("client-without-uri", vec![SanType::DnsName(name)])
    }

    fn issue(&self, file: &str, names: Vec<SanType>) -> Files {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let files = Files {
            cert: self.folder.path().join(format!("{file}.pem")),
            key: self.folder.path().join(format!("{file}.key")),
        };
        std::fs::write(&files.cert, cert.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    /// A listener that shows a certificate of this authority and trusts clients of `clients`.
    pub(crate) fn server_tls(&self, clients: Option<(&Self, ClientAuth)>) -> ServerTls {
        let files = self.server();
        ServerTls {
            cert_file: files.cert,
            key_file: files.key,
            client_ca_file: clients.map(|(authority, _)| authority.file()),
            client_auth: clients.map(|(_, auth)| auth),
        }
    }

    /// A channel that trusts servers of this authority and shows `own`.
    pub(crate) fn client_tls(&self, own: Option<Files>) -> ClientTls {
        let (cert_file, key_file) = own.map(|files| (files.cert, files.key)).unzip();
        ClientTls {
            ca_file: self.file(),
            cert_file,
            key_file,
            domain: None,
        }
    }
}
