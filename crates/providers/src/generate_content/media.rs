//! Images and files, with the MIME types that Google requires.

use latchkey_contract::router::v1::{Blob, File, Image, file, image};
use url::Url;

use super::part::{Data, FileData, InlineData, MediaResolution, WirePart};
use crate::encode::{Base64, Call, EncodeError, EncodeErrorKind, refuse};

/// Writes an image of a message.
pub(super) fn image<'a>(
    call: &Call<'_>,
    image: &'a Image,
    field: impl Fn(&str) -> String,
) -> Result<WirePart<'a>, EncodeError> {
    let data = match &image.source {
        Some(image::Source::Url(url)) => Data::FileData(linked(url, field("image.url"))?),
        Some(image::Source::Blob(blob)) => Data::InlineData(inline(blob)),
        None => return unsupported(field("image"), "must have a URL or data"),
    };
    Ok(WirePart {
        media_resolution: resolution(call, image, &field)?,
        ..data.into()
    })
}

/// Writes a file of a message. Google has no field for its name.
pub(super) fn file(
    file: &File,
    field: impl Fn(&str) -> String,
) -> Result<WirePart<'_>, EncodeError> {
    let data = match &file.source {
        Some(file::Source::Url(url)) => Data::FileData(linked(url, field("file.url"))?),
        Some(file::Source::Blob(blob)) => Data::InlineData(inline(blob)),
        None => return unsupported(field("file"), "must have a URL or data"),
    };
    Ok(data.into())
}

pub(super) fn inline(blob: &Blob) -> InlineData<'_> {
    InlineData {
        mime_type: &blob.mime_type,
        data: Base64(&blob.data),
    }
}

/// Writes a URL with its MIME type. Google requires the type and the neutral part has none, so it
/// is derived from the path's extension, as in Google's own SDK.
pub(super) fn linked(file_uri: &str, field: String) -> Result<FileData<'_>, EncodeError> {
    let mime_type = mime_type(file_uri);
    // Google knows the type of an uploaded file.
    if mime_type.is_none() && !file_uri.starts_with(FILES_API) {
        return unsupported(
            field,
            "the provider wants to know the type of what it fetches, and the URL's path does not \
             tell: let it end in .png, .jpg, .pdf or the like, or send the data itself",
        );
    }
    Ok(FileData {
        mime_type,
        file_uri,
    })
}

fn mime_type(url: &str) -> Option<&'static str> {
    let url = Url::parse(url).ok()?;
    let (_, ending) = url.path_segments()?.next_back()?.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let known = MIME_TYPES.iter().find(|(known, _)| *known == ending)?;
    Some(known.1)
}

/// The resolution at which an image is processed.
fn resolution(
    call: &Call<'_>,
    image: &Image,
    field: impl Fn(&str) -> String,
) -> Result<Option<MediaResolution>, EncodeError> {
    let level = match image.detail() {
        image::Detail::Auto | image::Detail::Unspecified => return Ok(None),
        image::Detail::Low => "MEDIA_RESOLUTION_LOW",
        image::Detail::High => "MEDIA_RESOLUTION_HIGH",
    };
    if call.traits.image_detail {
        Ok(Some(MediaResolution { level }))
    } else {
        unsupported(field("image.detail"), "is not supported by the model")
    }
}

fn unsupported<T>(field: String, message: &'static str) -> Result<T, EncodeError> {
    refuse(field, EncodeErrorKind::UnsupportedByProvider, message)
}

/// The base URL of files that were uploaded to AI Studio.
const FILES_API: &str = "https://generativelanguage.googleapis.com/v1beta/files/";

/// File extensions and the MIME types that Google documents for them.
const MIME_TYPES: [(&str, &str); 37] = [
    ("aac", "audio/aac"),
    ("aiff", "audio/aiff"),
    ("avif", "image/avif"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("flac", "audio/flac"),
    ("flv", "video/x-flv"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("m4a", "audio/m4a"),
    ("md", "text/markdown"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("py", "text/x-python"),
    ("rtf", "text/rtf"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xml", "text/xml"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mime_type_is_derived_from_the_extension() {
        for (url, expected) in [
            ("https://example.com/cat.jpg", Some("image/jpeg")),
            (
                "https://example.com/a.b/CAT.PNG?size=1.gif#x.pdf",
                Some("image/png"),
            ),
            ("https://example.com/report.v2.pdf", Some("application/pdf")),
            ("https://example.com/cat", None),
            ("https://example.com/cat.jpg/", None),
            ("https://example.com/.unknown", None),
            ("https://example.jpg", None),
            ("https://", None),
        ] {
            assert_eq!(mime_type(url), expected, "{url}");
        }
    }

    #[test]
    fn an_uploaded_file_needs_no_mime_type() {
        let field = || "image.url".to_owned();
        let uploaded = "https://generativelanguage.googleapis.com/v1beta/files/abc-123";
        let linked_file = linked(uploaded, field()).unwrap();
        assert_eq!(
            (linked_file.mime_type, linked_file.file_uri),
            (None, uploaded)
        );
        for url in [
            "https://example.com/v1beta/files/abc",
            "https://example.com/",
        ] {
            let Err(error) = linked(url, field()) else {
                panic!("{url} is taken");
            };
            assert_eq!(error.field, "image.url");
        }
    }
}
