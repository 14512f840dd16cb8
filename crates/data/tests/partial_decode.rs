//! Random-resized crops of files, decoded only as far as the crop reaches.

mod images;

use std::path::{Path, PathBuf};

use burn_zoo_data::{
    Augment, Crop, Image, ImageSource, Pipeline, PipelineError, ResizeMode, decode, sample_rng,
};
use images::{augmented, pipeline};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn random_resized(size: [usize; 2], scale: [f64; 2], channels: usize) -> Pipeline {
    let mut pipeline = pipeline(size, ResizeMode::Exact, channels);
    let crop = Crop::RandomResized {
        scale,
        ratio: [0.75, 4.0 / 3.0],
    };
    pipeline.augment = Some(Augment {
        crop,
        flip: true,
        ..Augment::default()
    });
    pipeline
}

/// The image of the network's input that `source` becomes.
fn loaded(pipeline: &Pipeline, source: ImageSource, index: usize) -> Result<Image, PipelineError> {
    let mut input = vec![f32::NAN; pipeline.input_len()];
    pipeline.load(source, &mut input, &mut sample_rng(0, 0, index), |_| ())?;
    Ok(pipeline.denormalize(&input))
}

/// A JPEG of smooth colours with some texture.
fn jpeg(height: usize, width: usize) -> Vec<u8> {
    let mut compress = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    compress.set_size(width, height);
    compress.set_quality(90.0);
    let mut started = compress.start_compress(Vec::new()).unwrap();
    let pixel = |row: usize, column: usize| {
        let wave = |x: usize, of: f32| (127.0 + 100.0 * (x as f32 / of).sin()) as u8;
        [
            wave(row, 19.0),
            wave(column, 23.0),
            wave(row + 2 * column, 7.0),
        ]
    };
    let pixels: Vec<u8> = (0..height * width)
        .flat_map(|i| pixel(i / width, i % width))
        .collect();
    started.write_scanlines(&pixels).unwrap();
    started.finish().unwrap()
}

#[test]
fn a_part_is_what_cropping_the_whole_gives() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, jpeg(93, 141)).unwrap();
    let fixtures = [
        "progressive.jpg",
        "grey.jpg",
        "cmyk.jpg",
        "sideways.jpg",
        "small.png",
    ];
    let paths = fixtures.map(fixture).into_iter().chain([photo]);
    for path in paths {
        let whole = decode(&path).unwrap();
        let size = [whole.height, whole.width];
        for channels in [1, 3] {
            let pipeline = random_resized([24, 20], [0.05, 1.0], channels);
            for index in 0..40 {
                let expected = augmented(&pipeline, &whole, [0, 0, index]).unwrap();
                let found = loaded(&pipeline, ImageSource::File(path.clone()), index).unwrap();
                assert!(found == expected, "{}, {size:?}, {index}", path.display());
            }
        }
    }
}

#[test]
fn a_large_part_decoded_small_looks_the_same() {
    let bytes = jpeg(613, 801);
    let encoded = |bytes: &[u8]| ImageSource::Encoded {
        name: "a.jpg".into(),
        bytes: bytes.to_vec(),
    };
    let whole = encoded(&bytes).decode().unwrap();
    // Six times smaller and more.
    let pipeline = random_resized([96; 2], [0.9, 1.0], 3);
    for index in 0..10 {
        let expected = augmented(&pipeline, &whole, [0, 0, index]).unwrap();
        let found = loaded(&pipeline, encoded(&bytes), index).unwrap();
        let rms = rms([(found, expected)]);
        // Waves of 20 to 40 pixels, some across, are harder than photographs.
        assert!(rms > 0.0 && rms < 1.5, "{rms} levels");
    }
}

#[test]
fn photographs_decoded_small_look_the_same() {
    let Some(root) = std::env::var_os("BURN_ZOO_DATA") else {
        eprintln!("skipped: BURN_ZOO_DATA is unset");
        return;
    };
    let pattern = Path::new(&root).join("imagenet-samples");
    let Ok(classes) = std::fs::read_dir(&pattern) else {
        eprintln!("skipped: {} is not there", pattern.display());
        return;
    };
    let files: Vec<PathBuf> = classes
        .flat_map(|class| std::fs::read_dir(class.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    for side in [56, 28] {
        let pipeline = random_resized([side; 2], [0.8, 1.0], 3);
        let pairs = files.iter().enumerate().map(|(index, file)| {
            let whole = decode(file).unwrap();
            let expected = augmented(&pipeline, &whole, [0, 0, index]).unwrap();
            (
                loaded(&pipeline, ImageSource::File(file.clone()), index).unwrap(),
                expected,
            )
        });
        let rms = rms(pairs);
        assert!(rms > 0.0 && rms < 1.0, "{side} pixels: {rms} levels");
    }
}

/// Root of the mean squared difference, in levels.
fn rms(pairs: impl IntoIterator<Item = (Image, Image)>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for (found, expected) in pairs {
        for (a, b) in found.pixels.iter().zip(&expected.pixels) {
            sum += f64::from(a.abs_diff(*b)).powi(2);
            count += 1;
        }
    }
    (sum / f64::from(count)).sqrt()
}

#[test]
fn a_file_that_is_cut_short_is_named() {
    let pipeline = random_resized([24, 24], [0.08, 1.0], 3);
    let mut bytes = jpeg(93, 141);
    bytes.truncate(bytes.len() / 2);
    let source = ImageSource::Encoded {
        name: "shard.tar:a.jpg".into(),
        bytes,
    };
    let error = loaded(&pipeline, source, 0).unwrap_err().to_string();
    assert!(
        error.starts_with("shard.tar:a.jpg: a damaged JPEG"),
        "{error}"
    );
    let missing = ImageSource::File("/nowhere/b.jpg".into());
    let error = loaded(&pipeline, missing, 0).unwrap_err().to_string();
    assert!(
        error.starts_with("/nowhere/b.jpg: cannot be read"),
        "{error}"
    );
}
