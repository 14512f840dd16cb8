//! Small files that claim to be enormous images, and the corpus of the fuzz targets.
//!
//! A test binary of its own, because it reads the peak memory of its process.

use std::io::Write;
use std::path::Path;

use burn_zoo_data::{MAX_DECODED_BYTES, decode_bytes};
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Memory, in bytes, that detecting a bomb may take.
const ALLOWANCE: u64 = 64 << 20;

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [kind, content].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&named);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], &named, &crc.sum().to_be_bytes()].concat()
}

/// A PNG of this bit depth, colour type and interlacing, whose data are a few zeros.
fn png([width, height]: [u32; 2], depth: u8, color: u8, interlaced: u8) -> Vec<u8> {
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes()].concat();
    let head = [&head[..], &[depth, color, 0, 0, interlaced]].concat();
    let mut data = ZlibEncoder::new(Vec::new(), Compression::best());
    data.write_all(&[0; 100_000]).unwrap();
    let data = data.finish().unwrap();
    let parts = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        chunk(b"IDAT", &data),
        chunk(b"IEND", b""),
    ];
    parts.concat()
}

/// A small JPEG whose header states another size.
fn jpeg(name: &str, [width, height]: [u16; 2]) -> Vec<u8> {
    let mut bytes = std::fs::read(corpus().join("jpeg").join(name)).unwrap();
    let frame = bytes
        .windows(2)
        .position(|pair| pair[0] == 0xff && [0xc0, 0xc2].contains(&pair[1]))
        .unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// A small BMP whose header states another size.
fn bmp(name: &str, [width, height]: [i32; 2]) -> Vec<u8> {
    let mut bytes = std::fs::read(corpus().join("bmp").join(name)).unwrap();
    bytes[18..22].copy_from_slice(&width.to_le_bytes());
    bytes[22..26].copy_from_slice(&height.to_le_bytes());
    bytes
}

/// A lossless WebP that states the largest size there can be.
fn webp() -> Vec<u8> {
    let mut bytes = std::fs::read(corpus().join("webp/lossless")).unwrap();
    let chunk = bytes.windows(4).position(|name| name == b"VP8L").unwrap();
    // 14 bits each of width and height, less 1, behind the length and a signature.
    let sides = (0x3fff_u32 | 0x3fff << 14 | 1 << 28).to_le_bytes();
    bytes[chunk + 9..chunk + 13].copy_from_slice(&sides);
    // The extended header states it as well, where there is one: 24 bits each.
    if let Some(extended) = bytes.windows(4).position(|name| name == b"VP8X") {
        for side in [extended + 12, extended + 15] {
            bytes[side..side + 3].copy_from_slice(&0x3fff_u32.to_le_bytes()[..3]);
        }
    }
    bytes
}

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// Peak memory of this process in bytes; `None` where the system does not report it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[test]
fn enormous_images_are_refused_within_little_memory() {
    let before = peak();
    let grey = png([65_000, 65_000], 8, 0, 0);
    assert!(grey.len() < 1000);
    let bombs = [
        (grey, "65000×65000"),
        (png([65_000, 65_000], 16, 6, 1), "65000×65000"),
        (png([65_000, 65_000], 8, 3, 0), "65000×65000"),
        // So wide that a row is too large: the decoder ends before it tells the size.
        (png([2_000_000_000, 1], 16, 6, 0), ""),
        (png([u32::MAX >> 1, u32::MAX >> 1], 8, 2, 0), ""),
        (jpeg("420", [65_000, 65_000]), "65000×65000"),
        (jpeg("progressive", [65_000, 65_000]), "65000×65000"),
        (jpeg("grey", [65_000, 65_000]), "65000×65000"),
        (jpeg("cmyk", [65_000, 65_000]), "65000×65000"),
        (webp(), "16384×16384"),
        (bmp("rgb", [65_000, 65_000]), "65000×65000"),
        (bmp("rgb", [65_000, -65_000]), "65000×65000"),
        (bmp("palette", [65_000, 65_000]), "65000×65000"),
        (bmp("run_lengths", [65_000, 65_000]), "65000×65000"),
    ];
    for (bytes, size) in bombs {
        let error = decode_bytes(&bytes, Path::new("bomb"))
            .unwrap_err()
            .to_string();
        let limit = format!(
            "needs more than the {} MiB allowed for one image",
            MAX_DECODED_BYTES >> 20
        );
        let is_refused = error == format!("bomb: {size} {limit}");
        // Sizes that no image may have count as damage.
        assert!(
            is_refused || size.is_empty() && error.starts_with("bomb: "),
            "{size}: {error}"
        );
    }
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < ALLOWANCE, "{} MiB", (after - before) >> 20);
    }
}

#[test]
fn the_corpus_of_images_is_decoded() {
    for format in ["jpeg", "png", "webp", "bmp"] {
        let mut decoded = 0;
        for file in std::fs::read_dir(corpus().join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if let Ok(image) = decode_bytes(&bytes, &path) {
                let values = image.height * image.width * image.channels;
                assert_eq!(image.pixels.len(), values, "{}", path.display());
                decoded += 1;
            }
        }
        assert!(decoded > 3, "{format}: {decoded}");
    }
}
