//! PEM files (RFC 7468), checked before the transport sees them.

use std::path::Path;

use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::{Certificate, Identity};
use zeroize::Zeroizing;

use super::TlsError;

/// A certificate chain and the key that belongs to it.
pub(super) fn identity(cert_file: &Path, key_file: &Path) -> Result<Identity, TlsError> {
    let chain_pem = read(cert_file)?;
    let key_pem = read(key_file)?;
    let chain = certificates(cert_file, &chain_pem)?;
    let key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|_| TlsError::NoPrivateKey {
        file: key_file.to_owned(),
    })?;
    match CertifiedKey::from_der(chain, key, &default_provider()) {
        Ok(_) => Ok(Identity::from_pem(&*chain_pem, &*key_pem)),
        Err(source) => Err(TlsError::Mismatch {
            cert_file: cert_file.to_owned(),
            key_file: key_file.to_owned(),
            source,
        }),
    }
}

/// Certificates of authorities. Each must be usable: the transport skips unusable ones, and could end
/// up with no trusted authority at all.
pub(super) fn authorities(file: &Path) -> Result<Certificate, TlsError> {
    let pem = read(file)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, &pem)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Authority {
                file: file.to_owned(),
                source,
            })?;
    }
    Ok(Certificate::from_pem(&*pem))
}

fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::MalformedCertificate {
            file: file.to_owned(),
        })?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate {
            file: file.to_owned(),
        });
    }
    Ok(found)
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    match std::fs::read(file) {
        Ok(content) => Ok(Zeroizing::new(content)),
        Err(source) => Err(TlsError::Unreadable {
            file: file.to_owned(),
            source,
        }),
    }
}
