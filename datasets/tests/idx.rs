//! MNIST's files: every spelling and place, and every way in which they can be broken.

use std::fs;
use std::io::Write;
use std::path::Path;

use burn_zoo_data::ImageData;
use burn_zoo_datasets::{DatasetName, OpenError, OpenOptions, open};
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

const PIXELS: usize = 28 * 28;

fn images(count: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for dim in [count, 28, 28] {
        bytes.extend((dim as u32).to_be_bytes());
    }
    bytes.extend((0..count * PIXELS).map(|i| (i / PIXELS * 10 + i % 7) as u8));
    bytes
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend((labels.len() as u32).to_be_bytes());
    bytes.extend(labels);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A whole set of 3 + 2 images.
fn whole() -> [(&'static str, Vec<u8>); 4] {
    [
        ("train-images-idx3-ubyte", images(3)),
        ("train-labels-idx1-ubyte", labels(&[7, 0, 9])),
        ("t10k-images-idx3-ubyte", images(2)),
        ("t10k-labels-idx1-ubyte", labels(&[1, 2])),
    ]
}

fn write(folder: &Path, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
    fs::create_dir_all(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

fn read(name: DatasetName, root: &Path) -> Result<ImageData, OpenError> {
    open(
        name,
        &OpenOptions {
            root: Some(root.to_owned()),
            ..OpenOptions::default()
        },
    )
}

/// The message for a whole set with one file replaced.
fn refusal(name: &'static str, bytes: Vec<u8>) -> String {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), whole());
    write(root.path(), [(name, bytes)]);
    let message = read(DatasetName::Mnist, root.path())
        .err()
        .expect("a broken file is refused")
        .to_string();
    let path = root.path().join(name).display().to_string();
    assert!(message.contains(&path), "names the file: {message}");
    message
}

#[test]
fn samples_and_labels_come_out_as_they_went_in() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), whole());
    let data = read(DatasetName::Mnist, root.path()).unwrap();
    assert_eq!((data.train.len(), data.valid.len()), (3, 2));
    let sample = data.train.get(2).unwrap();
    let image = sample.image.decode().unwrap();
    assert_eq!(
        (sample.label, image.height, image.width, image.channels),
        (9, 28, 28, 1)
    );
    assert_eq!(image.pixels, images(3)[16 + 2 * PIXELS..]);
    assert_eq!(data.info.classes.len(), 10);
    assert_eq!(
        (data.info.size, data.info.mean.as_slice()),
        (Some([28, 28]), &[0.1307][..])
    );
}

#[test]
fn every_spelling_and_place_is_found() {
    let reference = |root: &Path, name| {
        let data = read(name, root).unwrap();
        assert_eq!(data.valid.get(1).unwrap().label, 2);
    };
    for folder in ["", "mnist", "MNIST/raw"] {
        let root = tempfile::tempdir().unwrap();
        write(&root.path().join(folder), whole());
        reference(root.path(), DatasetName::Mnist);
    }
    for folder in ["fashion_mnist", "FashionMNIST/raw"] {
        let root = tempfile::tempdir().unwrap();
        write(&root.path().join(folder), whole());
        reference(root.path(), DatasetName::FashionMnist);
    }
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in whole() {
        fs::write(root.path().join(format!("{name}.gz")), gzip(&bytes)).unwrap();
    }
    reference(root.path(), DatasetName::Mnist);
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in whole() {
        fs::write(root.path().join(name.replace("-idx", ".idx")), bytes).unwrap();
    }
    reference(root.path(), DatasetName::Mnist);
}

#[test]
fn a_missing_set_says_where_it_was_looked_for_and_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let message = read(DatasetName::FashionMnist, root.path())
        .err()
        .unwrap()
        .to_string();
    for part in [
        "train-images-idx3-ubyte",
        "FashionMNIST/raw",
        "zoo data fetch fashion_mnist --root",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(message.contains(&root.path().display().to_string()));
}

#[test]
fn a_missing_companion_is_named() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), whole().into_iter().take(3));
    let message = read(DatasetName::Mnist, root.path())
        .err()
        .unwrap()
        .to_string();
    assert!(message.contains("t10k-labels"), "{message}");
}

#[test]
fn a_file_cut_at_any_byte_of_the_header_is_refused() {
    for length in 0..16 {
        let message = refusal("train-images-idx3-ubyte", images(3)[..length].to_vec());
        assert!(
            message.contains("truncated") && message.contains("found"),
            "{length}: {message}"
        );
    }
    for length in 0..8 {
        refusal("t10k-labels-idx1-ubyte", labels(&[1, 2])[..length].to_vec());
    }
}

#[test]
fn a_cut_file_says_how_many_bytes_are_there() {
    let bytes = images(3);
    let message = refusal("train-images-idx3-ubyte", bytes[..1000].to_vec());
    assert!(
        message.contains(&bytes.len().to_string()) && message.contains("found 1000"),
        "{message}"
    );
    let message = refusal("train-images-idx3-ubyte", [bytes.clone(), vec![0]].concat());
    assert!(message.contains("too long"), "{message}");
    // A gzip stream cut in its middle.
    let packed = gzip(&bytes);
    let message = refusal(
        "train-images-idx3-ubyte",
        packed[..packed.len() / 2].to_vec(),
    );
    assert!(
        message.contains("truncated") && message.contains("once decompressed"),
        "{message}"
    );
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let message = refusal("train-images-idx3-ubyte", labels(&[1, 2, 3]));
    assert!(
        message.contains("3 dimensions") && message.contains("[00, 00, 08, 01]"),
        "{message}"
    );
    let message = refusal(
        "train-images-idx3-ubyte",
        b"<html>not found</html>".to_vec(),
    );
    assert!(message.contains("not an IDX file"), "{message}");
    let mut packed = gzip(&images(3));
    packed[12] ^= 0xff;
    refusal("train-images-idx3-ubyte", packed);
}

#[test]
fn contradictions_are_named() {
    let message = refusal("train-labels-idx1-ubyte", labels(&[1, 2]));
    assert!(
        message.contains("2 labels") && message.contains("3 images"),
        "{message}"
    );
    let message = refusal("train-labels-idx1-ubyte", labels(&[1, 10, 2]));
    assert!(
        message.contains("label 10 of sample 1") && message.contains("0 to 9"),
        "{message}"
    );
    let message = refusal("t10k-images-idx3-ubyte", images(0));
    assert!(message.contains("0 images"), "{message}");
    let mut other = images(3);
    other[11] = 14;
    other.truncate(16 + 3 * 14 * 28);
    let message = refusal("train-images-idx3-ubyte", other);
    assert!(
        message.contains("14×28") && message.contains("28×28"),
        "{message}"
    );
}

#[test]
fn a_header_that_claims_terabytes_takes_no_memory() {
    let mut bytes = images(3);
    bytes[4..16].fill(0xff);
    assert!(refusal("train-images-idx3-ubyte", bytes).contains("damaged"));
    let mut bytes = images(3);
    bytes[4..8].copy_from_slice(&0x3fff_ffffu32.to_be_bytes());
    assert!(refusal("train-images-idx3-ubyte", bytes).contains("found 2368"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_content_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..16, value: u8) {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), whole());
        let mut damaged = images(3);
        damaged[at] = value;
        for content in [bytes, damaged] {
            write(root.path(), [("train-images-idx3-ubyte", content)]);
            let _ = read(DatasetName::Mnist, root.path());
        }
    }
}
