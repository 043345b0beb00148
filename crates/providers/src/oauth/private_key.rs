//! RSA keys, and JSON Web Tokens signed with them (RFC 7515, RS256).
//!
//! Existing libraries do not fit: `jsonwebtoken` uses aws-lc or `RustCrypto` since its version 10.
//! Those based on `ring` (`gcp_auth`, `tame-oauth`) bring their own clock and do not zeroize the
//! key. This module only joins two texts and a signature of `ring`.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Serialize;
use zeroize::Zeroizing;

/// An RSA private key.
pub(super) struct RsaKey(RsaKeyPair);

impl RsaKey {
    /// Parses a PKCS#8 key in PEM (RFC 7468). PEM libraries leave copies of the key in memory; this
    /// parser zeroizes them.
    pub(super) fn parse(pem: &str) -> Option<Self> {
        let base64 = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
        let mut dense = Zeroizing::new(Vec::with_capacity(base64.len()));
        dense.extend(base64.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        let mut der = Zeroizing::new(Vec::with_capacity(dense.len()));
        STANDARD.decode_vec(&dense[..], &mut der).ok()?;
        RsaKeyPair::from_pkcs8(&der).ok().map(Self)
    }

    /// Signs a header and claims, and returns the token in base64url.
    pub(super) fn sign(
        &self,
        header: &impl Serialize,
        claims: &impl Serialize,
    ) -> Zeroizing<String> {
        let (header, claims) = (json(header), json(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        let mut token = Zeroizing::new(String::with_capacity(
            (header.len() + claims.len() + signature.len() + 6) / 3 * 4 + 2,
        ));
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                // PKCS#1 v1.5 padding is not random; only PSS uses the argument.
                &SystemRandom::new(),
                token.as_bytes(),
                &mut signature,
            )
            .expect("the buffer is as long as the modulus");
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

fn json(part: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(part).expect("structs of strings and numbers always serialise")
}

/// Decodes the escapes of a JSON string (RFC 8259, 7). None for non-ASCII characters, which no key
/// contains.
pub(super) fn unescaped(json: &str) -> Option<Zeroizing<String>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = Zeroizing::new(String::with_capacity(inner.len()));
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        let character = match next {
            '\\' => match rest.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits = rest.as_str().get(..4)?;
                    rest = rest.as_str()[4..].chars();
                    char::from(u8::from_str_radix(digits, 16).ok()?)
                }
                other => other,
            },
            plain => plain,
        };
        if !character.is_ascii() {
            return None;
        }
        text.push(character);
    }
    Some(text)
}

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let text = |json: &str| unescaped(json).map(|text| text.to_string());
        assert_eq!(
            text(r#""a\nb\r\t\/\"\\""#).as_deref(),
            Some("a\nb\r\t/\"\\")
        );
        assert_eq!(text(r#""MII\u003d\u003D""#).as_deref(), Some("MII=="));
        for json in [
            "",
            "\"",
            "null",
            r#""\"#,
            r#""\u00""#,
            r#""\u00zz""#,
            r#""\u0100""#,
            "\"é\"",
        ] {
            assert_eq!(text(json), None, "{json}");
        }
    }

    #[test]
    fn the_key_and_signature_of_rfc_7515_agree() {
        // Appendix A.2: the payload has line breaks, so it is signed as it is.
        let key = RsaKey::parse(include_str!("tests/rfc7515_a2.pem")).unwrap();
        let signed = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut signature = vec![0; key.0.public().modulus_len()];
        key.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
    }

    #[test]
    fn other_texts_are_not_parsed_as_a_key() {
        let pem = include_str!("tests/rfc7515_a2.pem");
        for text in [
            String::new(),
            BEGIN.to_owned(),
            format!("{BEGIN}{END}"),
            format!("{BEGIN}\n!{END}"),
            pem.replace("PRIVATE KEY", "RSA PRIVATE KEY"),
            pem.replacen('A', "B", 8),
        ] {
            assert!(RsaKey::parse(&text).is_none(), "{text}");
        }
        // With any line breaks.
        assert!(RsaKey::parse(&pem.replace('\n', "\r\n")).is_some());
        assert!(RsaKey::parse(&pem.replace('\n', "")).is_some());
    }
}
