//! The type of a file, from its first bytes.

use image::ImageFormat;

/// A format that is decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileType {
    pub(crate) format: ImageFormat,
    /// Usual end of a file's name.
    extension: &'static str,
    /// Name in messages.
    pub(crate) name: &'static str,
}

const FILE_TYPES: [FileType; 4] = [
    file_type(ImageFormat::Jpeg, "jpg", "JPEG"),
    file_type(ImageFormat::Png, "png", "PNG"),
    file_type(ImageFormat::WebP, "webp", "WebP"),
    file_type(ImageFormat::Bmp, "bmp", "BMP"),
];

const fn file_type(format: ImageFormat, extension: &'static str, name: &'static str) -> FileType {
    FileType {
        format,
        extension,
        name,
    }
}

/// The type of an image file. The content decides, not the file's name: data sets hold PNGs named .JPEG.
///
/// # Errors
/// What the content seems to be instead.
pub(crate) fn guess(bytes: &[u8]) -> Result<FileType, &'static str> {
    let format = image::guess_format(bytes).ok();
    let mut types = FILE_TYPES.into_iter();
    types
        .find(|each| Some(each.format) == format)
        .ok_or_else(|| describe(bytes))
}

/// The usual extension of an image file with this content (`jpg`, `png`, `webp` or `bmp`).
///
/// # Errors
/// What the content seems to be instead.
pub fn file_extension(bytes: &[u8]) -> Result<&'static str, &'static str> {
    guess(bytes).map(|file_type| file_type.extension)
}

/// The content of a file that is not an image we decode, in a few words.
fn describe(bytes: &[u8]) -> &'static str {
    let starts = |prefix: &[u8]| bytes.starts_with(prefix);
    let isobmff = bytes.get(4..8) == Some(b"ftyp");
    match () {
        () if bytes.is_empty() => "an empty file",
        () if starts(b"version https://git-lfs") => "a Git LFS pointer (run `git lfs pull`)",
        () if starts(b"GIF8") => "a GIF, which is not read: convert it to PNG",
        () if starts(b"II*\0") || starts(b"MM\0*") => {
            "a TIFF, which is not read: convert it to PNG"
        }
        () if isobmff && matches!(bytes.get(8..11), Some(b"avi" | b"hei" | b"mif")) => {
            "an AVIF or HEIC image, which is not read: convert it to PNG or JPEG"
        }
        () if starts(b"%PDF") => "a PDF, not an image",
        () if starts(b"PK\x03\x04") => "a zip archive, not an image",
        () if starts(b"\x1f\x8b") => "a gzip file, not an image",
        () if is_html(bytes) => "an HTML page, not an image (a failed download?)",
        () if bytes.iter().all(|&b| b == 0) => "zero bytes only",
        () if is_text(bytes) => "text, not an image",
        () => "not JPEG, PNG, WebP or BMP",
    }
}

fn is_html(bytes: &[u8]) -> bool {
    let head = bytes[..bytes.len().min(256)]
        .trim_ascii_start()
        .to_ascii_lowercase();
    head.starts_with(b"<!doctype html") || head.starts_with(b"<html")
}

/// Whether the head of the file is UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The cut at 512 bytes may fall inside a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn common_impostors_are_recognised() {
        assert_eq!(describe(b""), "an empty file");
        assert_eq!(
            describe(b"hello, I am a label file\n"),
            "text, not an image"
        );
        assert_eq!(
            describe("größe".repeat(200).as_bytes()),
            "text, not an image"
        );
        assert!(describe(b"  <!DOCTYPE html><html>").contains("HTML"));
        assert!(describe(b"GIF89a....").contains("GIF"));
        assert!(describe(b"version https://git-lfs.github.com/spec/v1").contains("LFS"));
        assert_eq!(describe(&[0; 100]), "zero bytes only");
        assert_eq!(describe(&[1, 2, 3, 250]), "not JPEG, PNG, WebP or BMP");
    }
}
