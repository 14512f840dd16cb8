//! Augmentation: which outcomes there are, and how often. The operations themselves are compared with torchvision in the
//! crate's unit tests.

mod images;

use burn_zoo_data::{Augment, Crop, Erasing, Image, PipelineError, ResizeMode};
use images::{augmented, numbered, pipeline};
use proptest::prelude::*;

#[test]
fn pad_and_crop_shifts_and_fills_with_zeros() {
    let mut train = pipeline([3, 3], ResizeMode::Exact, 1);
    train.augment = Some(Augment {
        crop: Crop::Pad(2),
        flip: false,
        ..Augment::default()
    });
    let image = numbered(3, 3);
    let mut seen = std::collections::HashSet::new();
    for index in 0..500 {
        let shifted = augmented(&train, &image, [0, 0, index]).unwrap();
        let fits = |down: isize, right: isize| {
            (0..9).all(|i| {
                let (row, column) = (i / 3 + down, i % 3 + right);
                let inside = (0..3).contains(&row) && (0..3).contains(&column);
                let expected = if inside {
                    image.pixels[(row * 3 + column) as usize]
                } else {
                    0
                };
                shifted.pixels[i as usize] == expected
            })
        };
        let shift = (-2..=2)
            .flat_map(|down| (-2..=2).map(move |right| (down, right)))
            .find(|&(d, r)| fits(d, r));
        seen.insert(shift.expect("every crop is a shift of the image by at most the border"));
    }
    assert_eq!(seen.len(), 25, "every shift occurs");
}

#[test]
fn half_of_the_images_are_mirrored() {
    let mut train = pipeline([2, 3], ResizeMode::Exact, 1);
    train.augment = Some(Augment {
        crop: Crop::None,
        flip: true,
        ..Augment::default()
    });
    let image = numbered(2, 3);
    let mirrored = (0..1000)
        .filter(|&index| {
            let found = augmented(&train, &image, [0, 0, index]).unwrap();
            assert!(found == image || found.pixels == [3, 2, 1, 6, 5, 4]);
            found != image
        })
        .count();
    assert!((440..560).contains(&mirrored), "{mirrored} of 1000");
}

#[test]
fn random_resized_crops_cover_their_range_of_areas() {
    // A ramp from left to right and one from top to bottom tell which region was taken.
    let (height, width) = (200, 240);
    let pixels = (0..height * width)
        .flat_map(|i| [(i % width) as u8, (i / width) as u8, 0])
        .collect();
    let image = Image {
        height,
        width,
        channels: 3,
        pixels,
    };
    let mut train = pipeline([64, 64], ResizeMode::Exact, 3);
    let crop = Crop::RandomResized {
        scale: [0.08, 1.0],
        ratio: [3.0 / 4.0, 4.0 / 3.0],
    };
    train.augment = Some(Augment {
        crop,
        ..Augment::default()
    });
    let mut fractions = Vec::new();
    for index in 0..400 {
        let found = augmented(&train, &image, [3, 1, index]).unwrap();
        let value = |row: usize, column: usize, channel: usize| {
            f64::from(found.pixels[(row * 64 + column) * 3 + channel])
        };
        // The outermost of 64 samples are 63/64 of the region apart.
        let w = (value(32, 63, 0) - value(32, 0, 0)) * 64.0 / 63.0;
        let h = (value(63, 32, 1) - value(0, 32, 1)) * 64.0 / 63.0;
        let (fraction, ratio) = (w * h / (height * width) as f64, w / h);
        assert!((0.07..=1.02).contains(&fraction), "fraction {fraction}");
        assert!((0.70..=1.40).contains(&ratio), "ratio {ratio}");
        fractions.push(fraction);
    }
    let mean = fractions.iter().sum::<f64>() / fractions.len() as f64;
    assert!(
        (0.45..0.56).contains(&mean),
        "uniform over 0.08…1, some large ones rejected: mean {mean}"
    );
}

#[test]
fn scale_jitter_resizes_and_cuts_anywhere() {
    // A ramp from left to right tells the scale and the place.
    let (height, width) = (120, 180);
    let image = Image {
        height,
        width,
        channels: 1,
        pixels: (0..height * width).map(|i| (i % width) as u8).collect(),
    };
    let mut train = pipeline([64, 64], ResizeMode::Exact, 1);
    let crop = Crop::ScaleJitter { shorter: [64, 240] };
    train.augment = Some(Augment {
        crop,
        ..Augment::default()
    });
    let (mut scales, mut lefts) = (Vec::new(), Vec::new());
    for index in 0..300 {
        let found = augmented(&train, &image, [3, 1, index]).unwrap();
        let (first, last) = (found.pixels[0], found.pixels[63]);
        let scale = 63.0 / f64::from(last - first);
        scales.push(scale * height as f64);
        lefts.push(f64::from(first) / (width as f64 - 64.0 / scale).max(1.0));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(scales.iter().all(|side| (60.0..255.0).contains(side)));
    assert!((140.0..164.0).contains(&mean(&scales)), "{}", mean(&scales));
    assert!((0.44..0.56).contains(&mean(&lefts)), "{}", mean(&lefts));
    train.augment = Some(Augment {
        crop: Crop::ScaleJitter { shorter: [63, 240] },
        ..Augment::default()
    });
    let error = train.validate().unwrap_err();
    assert!(matches!(error, PipelineError::Shorter { shorter: 63, .. }));
}

#[test]
fn changes_after_normalisation_reach_the_input() {
    let image = Image {
        height: 8,
        width: 8,
        channels: 3,
        pixels: vec![200; 192],
    };
    let mut train = pipeline([8, 8], ResizeMode::Exact, 3);
    train.augment = Some(Augment {
        erasing: Some(Erasing {
            prob: 1.0,
            ..Erasing::default()
        }),
        ..Augment::default()
    });
    // Erased is the mean, which is 0.5 here.
    let erased = augmented(&train, &image, [0, 0, 0]).unwrap();
    assert!(erased.pixels.contains(&128) && erased.pixels.contains(&200));
    train.augment = Some(Augment {
        cutout: Some(4),
        lighting: Some(0.1),
        ..Augment::default()
    });
    let cut = augmented(&train, &image, [0, 0, 1]).unwrap();
    assert!(cut.pixels.contains(&128));
    assert!(!cut.pixels.contains(&200), "lighting changes every pixel");
}

proptest! {
    #[test]
    fn every_image_comes_out_at_the_input_size(
        height in 1usize..80, width in 1usize..80, side in 1usize..40, colour: bool, index in 0usize..1000,
    ) {
        let channels = if colour { 3 } else { 1 };
        let image = Image { height, width, channels, pixels: vec![7; height * width * channels] };
        let mut any = pipeline([side, side], ResizeMode::Resize { shorter: side }, 3);
        let crops = [
            None,
            Some(Crop::None),
            Some(Crop::Pad(side / 2)),
            Some(Crop::RandomResized { scale: [0.08, 1.0], ratio: [0.75, 1.33] }),
        ];
        for crop in crops {
            any.augment = crop.map(|crop| Augment { crop, flip: true, ..Augment::default() });
            let found = augmented(&any, &image, [1, 2, index]).unwrap();
            prop_assert_eq!((found.height, found.width, found.channels), (side, side, 3));
            prop_assert_eq!(found.pixels.len(), any.input_len());
            prop_assert!(found.pixels.iter().all(|&value| value == 7 || value == 0));
        }
    }
}
