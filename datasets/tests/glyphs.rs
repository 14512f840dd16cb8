//! Glyphs: balanced, deterministic, and what their statistics say.

use std::collections::HashSet;

use burn::data::dataset::Dataset;
use burn_zoo_data::Sample;
use burn_zoo_datasets::{DatasetName, Glyphs, OpenOptions, open};

fn all(glyphs: Glyphs) -> Vec<Sample> {
    glyphs.iter().map(Result::unwrap).collect()
}

#[test]
fn a_glyph_depends_on_seed_split_and_index_alone() {
    let some = all(Glyphs::train(3, 50));
    assert_eq!(
        all(Glyphs::train(3, 200))[..50],
        some,
        "the size changes nothing"
    );
    assert_ne!(all(Glyphs::train(4, 50)), some);
    assert_ne!(all(Glyphs::valid(3, 50)), some);
    let options = OpenOptions {
        seed: 3,
        train_size: Some(50),
        valid_size: Some(21),
        ..OpenOptions::default()
    };
    let data = open(DatasetName::Glyphs, &options).unwrap();
    let opened: Vec<Sample> = (0..data.train.len())
        .map(|i| data.train.get(i).unwrap())
        .collect();
    assert_eq!(opened, some, "drawn at once or on demand");
    assert_eq!(data.valid.len(), 21);
}

#[test]
fn glyphs_are_balanced_and_all_different() {
    let train = all(Glyphs::train(0, 1000));
    for digit in 0..10 {
        assert_eq!(
            train.iter().filter(|sample| sample.label == digit).count(),
            100
        );
    }
    let valid = all(Glyphs::valid(0, 1000));
    let different: HashSet<Vec<u8>> = train
        .into_iter()
        .chain(valid)
        .map(|sample| sample.image.decode().unwrap().pixels)
        .collect();
    assert_eq!(
        different.len(),
        2000,
        "no validation glyph is a training glyph"
    );
}

#[test]
fn the_stated_statistics_are_those_of_the_images() {
    let options = OpenOptions {
        train_size: Some(5000),
        valid_size: Some(10),
        ..OpenOptions::default()
    };
    let data = open(DatasetName::Glyphs, &options).unwrap();
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    for index in 0..data.train.len() {
        let image = data.train.get(index).unwrap().image.decode().unwrap();
        assert_eq!((image.height, image.width, image.channels), (32, 32, 1));
        for value in image.pixels {
            let value = f64::from(value) / 255.0;
            (sum, squares, count) = (sum + value, squares + value * value, count + 1.0);
        }
    }
    let mean = sum / count;
    let std = (squares / count - mean * mean).sqrt();
    assert!(
        (mean - f64::from(data.info.mean[0])).abs() < 0.01,
        "mean {mean}"
    );
    assert!(
        (std - f64::from(data.info.std[0])).abs() < 0.01,
        "std {std}"
    );
}

#[test]
fn every_glyph_shows_its_ink() {
    // The contrast between ink and paper is at least 90 levels, so that a person can read every one.
    for sample in all(Glyphs::train(1, 2000)) {
        let mut pixels = sample.image.decode().unwrap().pixels;
        pixels.sort_unstable();
        let spread = pixels[pixels.len() - 10] - pixels[10];
        assert!(spread >= 60, "a {} with a spread of {spread}", sample.label);
    }
}
