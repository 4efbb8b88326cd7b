//! Reading a picture that a stranger sent: within limits, whatever it says of itself, and kept as a plain PNG, so that
//! nothing of what else was in the file (places, comments, programs) is ever served.

use std::io::Cursor;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
    imageops::FilterType,
};

/// The most bytes of a picture.
const MAX_BYTES: usize = 5_000_000;
/// Pixels on a side, at least and at most.
const SIDE: std::ops::RangeInclusive<u32> = 256..=1024;
/// The most memory that reading may take: several times what the largest picture needs.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;
const FORMATS: [ImageFormat; 3] = [ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::Png];

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a picture is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Unfit {
    /// It has too many bytes.
    TooLarge,
    /// It is none, or of a kind that is not taken.
    Format,
    /// It is no square, or too small, or too large.
    Dimensions,
}

impl Unfit {
    /// What is said of the field that it came in.
    pub(in crate::http) fn message(self) -> &'static str {
        match self {
            Self::TooLarge => "Image too large",
            Self::Format => "Invalid image format.",
            Self::Dimensions => "Invalid image dimensions.",
        }
    }
}

/// The picture in a base64 text, as a PNG; none in an empty text. Takes a while: not for the threads of the runtime.
pub(in crate::http) fn read(text: &str) -> Result<Option<Vec<u8>>, Unfit> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let symbols = text.iter().filter(|byte| **byte != b'=').count();
    if symbols * 3 / 4 > MAX_BYTES {
        return Err(Unfit::TooLarge);
    }
    let bytes = BASE64.decode(&text).map_err(|_| Unfit::Format)?;
    if bytes.is_empty() { Ok(None) } else { decode(&bytes).map(Some) }
}

fn decode(bytes: &[u8]) -> Result<Vec<u8>, Unfit> {
    let unfit = |error: ImageError| match error {
        ImageError::Limits(_) => Unfit::Dimensions,
        _ => Unfit::Format,
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| Unfit::Format)?;
    if !reader.format().is_some_and(|format| FORMATS.contains(&format)) {
        return Err(Unfit::Format);
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unfit)?;
    // What the head says, before anything is unpacked.
    let (width, height) = decoder.dimensions();
    if width != height || !SIDE.contains(&width) {
        return Err(Unfit::Dimensions);
    }
    let orientation = decoder.orientation().map_err(unfit)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(unfit)?;
    image.apply_orientation(orientation);
    png(&image).map_err(unfit)
}

fn png(image: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Cursor::new(vec![]);
    DynamicImage::ImageRgba8(image.to_rgba8()).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// A kept picture with another number of pixels on a side; none when it cannot be read any more.
pub(super) fn resized(kept: &[u8], side: u32) -> Option<Vec<u8>> {
    let image = image::load_from_memory_with_format(kept, ImageFormat::Png).ok()?;
    png(&image.resize_exact(side, side, FilterType::Lanczos3)).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use image::{DynamicImage, ImageFormat};

    use super::{MAX_BYTES, Unfit, read, resized};

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(vec![]);
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn sent(bytes: &[u8]) -> Result<Option<Vec<u8>>, Unfit> {
        read(&STANDARD.encode(bytes))
    }

    fn side(png: &[u8]) -> (u32, u32) {
        let image = image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
        (image.width(), image.height())
    }

    #[test]
    fn three_formats_are_taken_and_kept_as_one() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            for width in [256, 1024] {
                let kept = sent(&file(width, width, format)).unwrap().unwrap();
                assert_eq!(side(&kept), (width, width), "{format:?}");
            }
        }
    }

    #[test]
    fn what_is_no_square_or_has_another_size_is_refused() {
        for (width, height) in [(255, 255), (1025, 1025), (256, 257), (512, 256), (1, 1)] {
            assert_eq!(sent(&file(width, height, ImageFormat::Png)), Err(Unfit::Dimensions));
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let mut cut = file(256, 256, ImageFormat::Png);
        cut.truncate(60);
        let others: [&[u8]; 5] = [
            b"nonsense",
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            &cut,
        ];
        for bytes in others {
            assert_eq!(sent(bytes), Err(Unfit::Format));
        }
        assert_eq!(read("!!!"), Err(Unfit::Format));
        assert_eq!(read("data:image/png;base64,AAAA"), Err(Unfit::Format));
    }

    #[test]
    fn nothing_is_no_picture() {
        assert_eq!(read(""), Ok(None));
        assert_eq!(read(" \n"), Ok(None));
    }

    #[test]
    fn padding_and_line_ends_do_not_matter() {
        let bytes = file(256, 256, ImageFormat::Gif);
        let text = STANDARD.encode(&bytes);
        let lines: Vec<_> =
            text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        assert_eq!(read(&lines.join("\r\n")), read(text.trim_end_matches('=')));
    }

    #[test]
    fn too_many_bytes_are_refused_before_they_are_looked_at() {
        assert_eq!(sent(&vec![0; MAX_BYTES + 1]), Err(Unfit::TooLarge));
        assert_eq!(sent(&vec![0; MAX_BYTES]), Err(Unfit::Format));
    }

    #[test]
    fn a_head_that_promises_more_than_memory_is_refused() {
        let mut bomb = file(256, 256, ImageFormat::Png);
        // Width and height stand behind the signature and the head's name; then their checksum is mended.
        bomb[16..24].copy_from_slice(&[0x00, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF]);
        let crc = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(sent(&bomb), Err(Unfit::Dimensions));
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(
                crc ^ u32::from(*byte),
                |crc, _| {
                    if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
                },
            )
        })
    }

    #[test]
    fn a_kept_picture_is_shown_smaller() {
        let kept = sent(&file(300, 300, ImageFormat::Jpeg)).unwrap().unwrap();
        assert_eq!(side(&resized(&kept, 48).unwrap()), (48, 48));
        assert_eq!(resized(b"nonsense", 48), None);
    }
}
