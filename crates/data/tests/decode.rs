//! Decoding against Pillow, and files that are not what their names say.

use std::fs;
use std::path::{Path, PathBuf};

use burn_zoo_data::{DecodeErrorKind, Image, decode, decode_bytes};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn read(name: &str) -> Image {
    decode(&fixture(name)).unwrap()
}

fn largest_difference(a: &Image, b: &Image) -> u8 {
    assert_eq!(
        (a.height, a.width, a.channels),
        (b.height, b.width, b.channels)
    );
    a.pixels
        .iter()
        .zip(&b.pixels)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap()
}

#[test]
fn lossless_formats_agree() {
    let png = read("small.png");
    assert_eq!(
        (png.height, png.width, png.channels, png.pixels.len()),
        (6, 8, 3, 144)
    );
    assert_eq!(read("small.bmp"), png);
    assert_eq!(read("small.webp"), png);
}

#[test]
fn alpha_is_dropped_as_pillow_drops_it() {
    assert_eq!(read("alpha.png"), read("small.png"));
}

#[test]
fn a_palette_becomes_rgb() {
    assert_eq!(read("palette.png"), read("palette_reference.png"));
}

#[test]
fn sixteen_bits_are_scaled_to_eight() {
    let deep = read("deep.png");
    assert_eq!(deep.channels, 1);
    for (i, &value) in deep.pixels.iter().enumerate() {
        let exact = i as f64 * 1394.0 / 257.0;
        assert!(
            (f64::from(value) - exact).abs() <= 1.0,
            "sample {i}: {value} for {exact}"
        );
    }
}

#[test]
fn jpegs_are_what_pil_reads_bit_for_bit() {
    let grey = read("grey.jpg");
    assert_eq!((grey.height, grey.width, grey.channels), (6, 8, 1));
    assert_eq!(
        largest_difference(&read("progressive.jpg"), &read("progressive_reference.png")),
        0
    );
    assert_eq!(
        largest_difference(&read("cmyk.jpg"), &read("cmyk_reference.png")),
        0
    );
}

#[test]
fn exif_orientation_turns_the_image() {
    let upright = read("sideways.jpg");
    assert_eq!((upright.height, upright.width), (8, 6));
    assert_eq!(
        largest_difference(&upright, &read("sideways_reference.png")),
        0
    );
}

#[test]
fn text_named_jpg_is_called_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("größe 犬.jpg");
    fs::write(&path, "not an image at all\n").unwrap();
    let error = decode(&path).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::NotAnImage(_)));
    assert!(
        error
            .to_string()
            .ends_with("größe 犬.jpg: text, not an image"),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = decode(Path::new("/nowhere/at all.png")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nowhere/at all.png: cannot be read"),
        "{error}"
    );
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    for name in [
        "small.png",
        "source.png",
        "small.webp",
        "small.bmp",
        "grey.jpg",
        "progressive.jpg",
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        for length in (0..bytes.len() - 1).step_by(if bytes.len() > 1000 { 97 } else { 1 }) {
            // The last bytes of a PNG are the checksum of an empty chunk, and a BMP may end in padding.
            let decoded = decode_bytes(&bytes[..length], Path::new(name));
            if length < bytes.len() - 16 {
                let error =
                    decoded.expect_err(&format!("{name} cut to {length} of {} bytes", bytes.len()));
                assert!(error.to_string().starts_with(name), "{error}");
            }
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    for name in [
        "small.png",
        "small.webp",
        "small.bmp",
        "grey.jpg",
        "progressive.jpg",
        "palette.png",
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = decode_bytes(&damaged, Path::new(name));
            }
        }
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    // The header of a 65,000 × 65,000 RGB PNG, with its checksum, and no content.
    let mut bomb =
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xfd\xe8\0\0\xfd\xe8\x08\x02\0\0\0".to_vec();
    bomb.extend_from_slice(&crc32(&bomb[12..29]).to_be_bytes());
    bomb.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    let error = decode_bytes(&bomb, Path::new("bomb.png")).unwrap_err();
    assert!(
        matches!(error.kind, DecodeErrorKind::TooLarge(_)),
        "{error}"
    );
    assert!(error.to_string().contains("512 MiB"), "{error}");
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_decoder_that_panics_is_an_error_with_the_files_name() {
    // The palette's last colour is cut short, which the decoder does not check.
    let path = "../../fuzz/corpus/png/palette_of_49_bytes";
    let error = decode(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("palette_of_49_bytes: a damaged PNG: the decoder panicked"),
        "{message}"
    );
    assert!(!burn_zoo_data::is_decoding());
}
