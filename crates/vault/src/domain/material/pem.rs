//! The private key of a service account: PKCS#8 (RFC 5958) in PEM (RFC 7468), as forms, terminals
//! and environment variables leave it.

use data_encoding::BASE64;
use latchkey_envelope::Secret;
use ring::signature::RsaKeyPair;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
const LINE: usize = 64;

/// The key in DER, if it is one that RSA signatures can be made with.
pub(super) fn read(pem: &str) -> Option<Secret> {
    let der = decode(pem)?;
    RsaKeyPair::from_pkcs8(der.expose()).ok()?;
    Some(der)
}

/// The content of the armour. Line breaks may be missing, be CRLF, or be written out as `\n`, however
/// often escaped.
pub(super) fn decode(pem: &str) -> Option<Secret> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut escaped = false;
    for byte in body.bytes() {
        match byte {
            b'\\' => escaped = true,
            b'n' | b'r' if escaped => escaped = false,
            _ if byte.is_ascii_whitespace() => escaped = false,
            _ => {
                escaped = false;
                base64.push(byte);
            }
        }
    }
    BASE64.decode(&base64).ok().map(Secret::new)
}

/// The key in PEM again, as Google writes it.
pub(super) fn write(der: &Secret) -> Zeroizing<String> {
    let base64 = Zeroizing::new(BASE64.encode(der.expose()));
    let room = BEGIN.len() + END.len() + base64.len() * (LINE + 1) / LINE + 4;
    let mut pem = Zeroizing::new(String::with_capacity(room));
    pem.push_str(BEGIN);
    for (index, character) in base64.chars().enumerate() {
        if index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push('\n');
    pem.push_str(END);
    pem.push('\n');
    pem
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A public test key: testRSA2048 of RFC 9500, 2.1, in PKCS#8.
    const RFC_9500: &str = include_str!("../../../tests/data/rfc9500_rsa_2048.pkcs8.base64");

    pub(in super::super) fn private_key() -> String {
        format!("{BEGIN}\n{RFC_9500}{END}\n")
    }

    #[test]
    fn a_key_is_read_however_its_lines_were_broken() {
        let whole = read(&private_key()).unwrap();
        for mangled in [
            private_key().replace('\n', "\r\n"),
            private_key().replace('\n', "\\n"),
            private_key().replace('\n', "\\r\\n"),
            private_key().replace('\n', "\\\\n"),
            private_key().replace('\n', " "),
            private_key().replace('\n', ""),
            format!("\u{feff}{}", private_key()),
        ] {
            let read = read(&mangled).unwrap();
            assert_eq!(read.expose(), whole.expose());
        }
        assert_eq!(*write(&whole), private_key());
    }

    #[test]
    fn a_key_that_can_not_sign_is_refused() {
        let ed25519 =
            ring::signature::Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new());
        let ed25519 = BASE64.encode(ed25519.unwrap().as_ref());
        let cut = private_key().replacen("MII", "", 1);
        for text in [
            "",
            "not a key",
            &format!("{BEGIN}\n{END}"),
            &format!("{BEGIN}\n{ed25519}\n{END}"),
            &private_key().replace("PRIVATE", "RSA PRIVATE"),
            &private_key().replace(END, ""),
            &cut,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
