//! An image on the wire: base64, a `data:` URL, or a URL.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use latchkey_contract::router::v1::{Blob, GeneratedImage, generated_image};

use super::format::Format;
use crate::decode::Undecodable;

/// What is known of the file format: from the answer, else from the request.
#[derive(Clone, Copy)]
pub(super) struct Hints<'a> {
    /// The MIME type beside the image. Empty when there is none.
    pub(super) mime_type: &'a str,
    /// The format named for the whole answer.
    pub(super) answered: Option<Format>,
    /// The requested format.
    pub(super) requested: Option<Format>,
}

/// Decodes base64 in either alphabet (RFC 4648, 4 and 5); Google uses both.
pub(super) fn of_base64(text: &str, hints: Hints<'_>) -> Result<GeneratedImage, Undecodable> {
    let engine = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    match engine.decode(text) {
        Ok(data) if !data.is_empty() => Ok(image(generated_image::Source::Blob(Blob {
            mime_type: mime_type(&data, hints),
            data: data.into(),
        }))),
        _ => Err(Undecodable),
    }
}

/// Reads a URL. A `data:` URL (RFC 2397) is decoded.
pub(super) fn of_url(url: &str, hints: Hints<'_>) -> Result<GeneratedImage, Undecodable> {
    let scheme = url
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("https" | "http") => Ok(image(generated_image::Source::Url(url.to_owned()))),
        Some("data") => {
            let (head, data) = url["data:".len()..].split_once(',').ok_or(Undecodable)?;
            let mime_type = head.strip_suffix(";base64").ok_or(Undecodable)?;
            of_base64(data, Hints { mime_type, ..hints })
        }
        _ => Err(Undecodable),
    }
}

fn mime_type(data: &[u8], hints: Hints<'_>) -> String {
    if hints.mime_type.contains('/') {
        return hints.mime_type.to_owned();
    }
    let format = hints
        .answered
        .or_else(|| Format::of_file(data))
        .or(hints.requested);
    // RFC 2046, 4.5.1: bytes of an unknown type.
    format
        .map_or("application/octet-stream", Format::mime_type)
        .to_owned()
}

fn image(source: generated_image::Source) -> GeneratedImage {
    GeneratedImage {
        source: Some(source),
        revised_prompt: String::new(),
    }
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

#[cfg(test)]
mod tests {
    use super::*;

    const NO_HINTS: Hints<'_> = Hints {
        mime_type: "",
        answered: None,
        requested: None,
    };

    fn blob(image: GeneratedImage) -> (String, Vec<u8>) {
        match image.source {
            Some(generated_image::Source::Blob(blob)) => (blob.mime_type, blob.data.to_vec()),
            other => panic!("no data: {other:?}"),
        }
    }

    #[test]
    fn both_base64_alphabets_are_decoded_with_and_without_padding() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(blob(of_base64(text, NO_HINTS).unwrap()).1, [0xfb, 0xff]);
        }
    }

    #[test]
    fn the_answers_format_precedes_the_detected_one_and_that_the_requested_one() {
        let png = "iVBORw0KGgo=";
        let hints = |mime_type, answered, requested| Hints {
            mime_type,
            answered,
            requested,
        };
        let (webp, jpeg) = (Some(Format::Webp), Some(Format::Jpeg));
        for (text, hints, mime_type) in [
            (png, hints("image/avif", webp, jpeg), "image/avif"),
            (png, hints("", webp, jpeg), "image/webp"),
            (png, hints("", None, jpeg), "image/png"),
            ("AAAA", hints("", None, jpeg), "image/jpeg"),
            ("AAAA", NO_HINTS, "application/octet-stream"),
        ] {
            assert_eq!(blob(of_base64(text, hints).unwrap()).0, mime_type);
        }
    }

    #[test]
    fn a_data_url_is_decoded() {
        let image = of_url("data:image/webp;base64,AAAA", NO_HINTS).unwrap();
        assert_eq!(blob(image), ("image/webp".to_owned(), vec![0; 3]));
        let nameless = of_url("DATA:;base64,iVBORw0KGgo", NO_HINTS).unwrap();
        assert_eq!(blob(nameless).0, "image/png");
    }

    #[test]
    fn other_data_is_refused_as_an_image() {
        for text in ["", "A", "AAA*", "AA AA", "+_8="] {
            assert!(of_base64(text, NO_HINTS).is_err(), "{text}");
        }
        for url in [
            "",
            "cat.png",
            "file:///etc/passwd",
            "gs://bucket/cat.png",
            "javascript:alert(1)",
            "data:image/png,abc",
            "data:image/png;base64",
            "data:image/png;base64,",
        ] {
            assert!(of_url(url, NO_HINTS).is_err(), "{url}");
        }
    }
}
