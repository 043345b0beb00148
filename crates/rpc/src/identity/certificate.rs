//! The SPIFFE ID in a client certificate (X.509-SVID sections 2 and 5.2).

use x509_parser::extensions::{GeneralName, KeyUsage};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Rejection, SpiffeId};

/// The identity of a certificate whose signature and validity the handshake has verified.
pub(super) fn spiffe_id(der: &[u8]) -> Result<SpiffeId, Rejection> {
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| Rejection::MalformedCertificate)?;
    if !rest.is_empty() {
        return Err(Rejection::MalformedCertificate);
    }
    refuse_signing(&certificate)?;
    SpiffeId::parse(only_uri(&certificate)?).map_err(Rejection::NotSpiffe)
}

fn refuse_signing(certificate: &X509Certificate<'_>) -> Result<(), Rejection> {
    let constraints = certificate
        .basic_constraints()
        .map_err(|_| Rejection::MalformedCertificate)?;
    let usage = certificate
        .key_usage()
        .map_err(|_| Rejection::MalformedCertificate)?;
    let is_authority = constraints.is_some_and(|extension| extension.value.ca);
    let may_sign = |usage: &KeyUsage| usage.key_cert_sign() || usage.crl_sign();
    if is_authority || usage.is_some_and(|extension| may_sign(extension.value)) {
        return Err(Rejection::SigningCertificate);
    }
    Ok(())
}

fn only_uri<'a>(certificate: &'a X509Certificate<'_>) -> Result<&'a str, Rejection> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| Rejection::MalformedCertificate)?
        .map_or(&[][..], |extension| &extension.value.general_names);
    let uris: Vec<&str> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
        .collect();
    match uris[..] {
        [uri] => Ok(uri),
        _ => Err(Rejection::NotOneUri { count: uris.len() }),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, SanType};

    use super::*;
    use crate::identity::SpiffeIdError;

    const ROUTER: &str = "spiffe://example.org/router";

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn identify(
        names: Vec<SanType>,
        change: fn(&mut CertificateParams),
    ) -> Result<SpiffeId, Rejection> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        change(&mut params);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        spiffe_id(certificate.der())
    }

    fn unchanged(_: &mut CertificateParams) {}

    #[test]
    fn one_spiffe_uri_among_other_names_is_the_identity() {
        let names = vec![
            SanType::DnsName("router.local".try_into().unwrap()),
            uri(ROUTER),
        ];
        assert_eq!(
            identify(names, unchanged),
            Ok(SpiffeId::parse(ROUTER).unwrap())
        );
    }

    #[test]
    fn no_uri_or_more_than_one_is_refused() {
        let count = |names| identify(names, unchanged);
        assert_eq!(count(vec![]), Err(Rejection::NotOneUri { count: 0 }));
        assert_eq!(
            count(vec![uri(ROUTER), uri("https://example.org/")]),
            Err(Rejection::NotOneUri { count: 2 })
        );
    }

    #[test]
    fn a_uri_other_than_a_spiffe_id_is_refused() {
        assert_eq!(
            identify(vec![uri("https://example.org/router")], unchanged),
            Err(Rejection::NotSpiffe(SpiffeIdError::Scheme))
        );
    }

    #[test]
    fn a_signing_certificate_is_refused() {
        let authority = |params: &mut CertificateParams| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        };
        let signer = |params: &mut CertificateParams| {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        };
        let lister = |params: &mut CertificateParams| {
            params.key_usages = vec![KeyUsagePurpose::CrlSign];
        };
        for change in [authority, signer, lister] {
            assert_eq!(
                identify(vec![uri(ROUTER)], change),
                Err(Rejection::SigningCertificate)
            );
        }
    }

    #[test]
    fn garbage_is_refused() {
        assert_eq!(spiffe_id(b"garbage"), Err(Rejection::MalformedCertificate));
    }
}
