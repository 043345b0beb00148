//! Image file formats: MIME types, OpenAI's names, and magic bytes.

/// An image file format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    Gif,
    Jpeg,
    Png,
    Svg,
    Webp,
}

impl Format {
    const ALL: [Self; 5] = [Self::Gif, Self::Jpeg, Self::Png, Self::Svg, Self::Webp];

    pub(super) fn of_mime_type(mime_type: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.mime_type().eq_ignore_ascii_case(mime_type))
    }

    /// Finds a format by OpenAI's `output_format`.
    pub(super) fn of_openai_name(openai_name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.openai_name() == openai_name)
    }

    /// Detects the format of a file by its magic bytes.
    pub(super) fn of_file(file: &[u8]) -> Option<Self> {
        Some(match file {
            [b'G', b'I', b'F', b'8', ..] => Self::Gif,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [b'<', b's', b'v', b'g', ..] | [b'<', b'?', b'x', b'm', b'l', ..] => Self::Svg,
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::Webp,
            _ => return None,
        })
    }

    pub(super) fn mime_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Svg => "image/svg+xml",
            Self::Webp => "image/webp",
        }
    }

    pub(super) fn openai_name(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Webp => "webp",
        }
    }
}
