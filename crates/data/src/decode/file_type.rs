//! What a file is, from its first bytes: the ending for an image that we read, else what it seems to be.

/// The usual ending of an image file's name (`jpg`, `png`, `webp` or `bmp`).
///
/// # Errors
/// What the content seems to be instead.
pub fn file_extension(bytes: &[u8]) -> Result<&'static str, &'static str> {
    use image::ImageFormat::{Bmp, Jpeg, Png, WebP};
    match image::guess_format(bytes) {
        Ok(Jpeg) => Ok("jpg"),
        Ok(Png) => Ok("png"),
        Ok(WebP) => Ok("webp"),
        Ok(Bmp) => Ok("bmp"),
        _ => Err(describe(bytes)),
    }
}

/// The content of a file in a few words, from its first bytes.
pub(crate) fn describe(bytes: &[u8]) -> &'static str {
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
        () if bytes.iter().all(|&b| b == 0) => "nothing but zero bytes",
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
        assert_eq!(describe(&[0; 100]), "nothing but zero bytes");
        assert_eq!(describe(&[1, 2, 3, 250]), "not JPEG, PNG, WebP or BMP");
    }
}
