//! Format and size of pictures, read from their first bytes.

use crate::content::Content;

/// How much of a picture is looked at. The size in a JPEG follows its metadata.
const LOOKED_AT: u64 = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Bmp,
    Gif,
    Jpeg,
    Png,
}

impl Format {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bmp => "bmp",
            Self::Gif => "gif",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Image {
    /// The picture in the content, if its format is known here.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let start = content.slice(0..LOOKED_AT);
        let bytes: &[u8] = &start;
        let (format, (width, height)) = match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => {
                (Format::Png, (big(bytes, 16, 4)?, big(bytes, 20, 4)?))
            }
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
                (Format::Gif, (little(bytes, 6, 2)?, little(bytes, 8, 2)?))
            }
            [b'B', b'M', ..] => (Format::Bmp, (little(bytes, 18, 4)?, little(bytes, 22, 4)?)),
            [0xff, 0xd8, 0xff, ..] => (Format::Jpeg, size_of_jpeg(bytes)?),
            _ => return None,
        };
        Some(Self { format, width, height })
    }
}

fn big(bytes: &[u8], at: usize, len: usize) -> Option<u32> {
    Some(bytes.get(at..at + len)?.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

fn little(bytes: &[u8], at: usize, len: usize) -> Option<u32> {
    Some(bytes.get(at..at + len)?.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

/// Width and height from the start-of-frame segment.
fn size_of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let (&0xff, &marker) = (bytes.get(at)?, bytes.get(at + 1)?) else { return None };
        // 0xc4, 0xc8 and 0xcc are tables in the middle of the frame markers.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
        }
        at += 2 + usize::try_from(big(bytes, at + 2, 2)?).ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
        let image = Image::of(&bytes.to_vec().into())?;
        Some((image.format.name(), image.width, image.height))
    }

    #[test]
    fn pictures_tell_their_size() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 1, 0, 0, 0, 0, 2]].concat();
        assert_eq!(image(&png), Some(("png", 256, 2)));
        assert_eq!(image(b"GIF89a\x03\0\x04\x01"), Some(("gif", 3, 260)));
        let jpeg =
            [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2][..], &[0xff, 0xc0, 0, 17, 8, 0, 5, 0, 6, 3]].concat();
        assert_eq!(image(&jpeg), Some(("jpg", 6, 5)));
        let bmp = [&b"BM"[..], &[0; 16], &[7, 0, 0, 0, 8, 0, 0, 0]].concat();
        assert_eq!(image(&bmp), Some(("bmp", 7, 8)));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_no_picture() {
        for bytes in [
            &b""[..],
            b"text",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff\xe0\0\0",
            b"\xff\xd8\xff\xe0\xff\xff",
            b"GIF89a",
        ] {
            assert_eq!(image(bytes), None, "{bytes:?}");
        }
    }
}
