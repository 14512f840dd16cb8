//! Geometry, augmentation and normalisation against Pillow, torchvision and arithmetic.

use std::path::Path;

use burn_zoo_data::{
    Augment, ColorJitter, Crop, Erasing, Fit, Geometry, Normalize, Picture, Pipeline,
    PipelineError, Policy, contact_sheet, decode, sample_rng, save_png,
};
use proptest::prelude::*;

fn fixture(name: &str) -> Picture {
    decode(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name),
    )
    .unwrap()
}

fn pipeline(size: [usize; 2], fit: Fit, channels: usize) -> Pipeline {
    let normalize = Normalize {
        mean: vec![0.5; channels],
        std: vec![0.25; channels],
    };
    Pipeline::evaluation(
        Geometry {
            size,
            fit,
            channels,
        },
        normalize,
    )
}

fn apply(pipeline: &Pipeline, picture: &Picture) -> Result<Picture, PipelineError> {
    met(pipeline, picture, [0, 0, 0])
}

/// The picture as the network meets it, drawn for seed, epoch and index.
fn met(
    pipeline: &Pipeline,
    picture: &Picture,
    [seed, epoch, index]: [usize; 3],
) -> Result<Picture, PipelineError> {
    let mut input = vec![f32::NAN; pipeline.values()];
    pipeline.apply(
        picture,
        &mut input,
        &mut sample_rng(seed as u64, epoch, index),
    )?;
    assert!(
        input.iter().all(|value| value.is_finite()),
        "every value is written"
    );
    Ok(pipeline.picture(&input))
}

/// A grey picture whose pixels are all different, so that one sees where each went.
fn numbered(height: usize, width: usize) -> Picture {
    Picture {
        height,
        width,
        channels: 1,
        pixels: (1..=height * width).map(|i| i as u8).collect(),
    }
}

fn worst(a: &Picture, b: &Picture) -> u8 {
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
fn resizing_is_pillows_antialiased_bilinear() {
    let source = fixture("source.png");
    for (name, size) in [("down_17x24.png", [17, 24]), ("up_45x61.png", [45, 61])] {
        // The whole picture as the region of the crop, so that only the resize acts.
        let mut resize = pipeline(size, Fit::Exact, 3);
        let whole = Crop::RandomResized {
            scale: [1.0, 1.0],
            ratio: [53.0 / 37.0; 2],
        };
        resize.augment = Some(Augment {
            crop: whole,
            flip: false,
            ..Augment::default()
        });
        assert!(
            worst(&apply(&resize, &source).unwrap(), &fixture(name)) <= 1,
            "{name}"
        );
    }
}

#[test]
fn evaluation_is_torchvisions_resize_and_centre_crop() {
    let evaluation = pipeline([21, 17], Fit::Resize { shorter: 24 }, 3);
    let found = apply(&evaluation, &fixture("source.png")).unwrap();
    assert!(worst(&found, &fixture("evaluation_21x17.png")) <= 1);
}

#[test]
fn grey_is_pillows_luma_and_repeats_into_rgb() {
    let (source, grey) = (fixture("source.png"), fixture("source_grey.png"));
    assert_eq!(
        apply(&pipeline([37, 53], Fit::Exact, 1), &source).unwrap(),
        grey
    );
    let rgb = apply(&pipeline([37, 53], Fit::Exact, 3), &grey).unwrap();
    assert!(
        rgb.pixels
            .chunks_exact(3)
            .zip(&grey.pixels)
            .all(|(rgb, &grey)| rgb == [grey; 3])
    );
}

#[test]
fn padding_centres_on_zeros() {
    let padded = apply(&pipeline([4, 5], Fit::Pad, 1), &numbered(2, 2)).unwrap();
    assert_eq!(
        padded.pixels,
        [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn a_wrong_size_is_an_error_that_names_both() {
    let error = apply(&pipeline([32, 32], Fit::Exact, 1), &numbered(3, 4)).unwrap_err();
    assert!(
        error.to_string().contains("3×4") && error.to_string().contains("32×32"),
        "{error}"
    );
    let error = apply(&pipeline([2, 8], Fit::Pad, 1), &numbered(3, 4)).unwrap_err();
    assert_eq!(
        error,
        PipelineError::Larger {
            found: [3, 4],
            largest: [2, 8]
        }
    );
}

#[test]
fn normalised_pixels_lie_in_channel_planes() {
    let picture = Picture {
        height: 1,
        width: 2,
        channels: 3,
        pixels: vec![0, 51, 102, 153, 204, 255],
    };
    let normalize = Normalize {
        mean: vec![0.1, 0.2, 0.3],
        std: vec![0.5, 1.0, 2.0],
    };
    let mut out = [0.0; 6];
    normalize.apply(&picture, &mut out).unwrap();
    let expected = [-0.2, 1.0, 0.0, 0.6, 0.05, 0.35];
    assert!(
        out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
        "{out:?}"
    );
    let error = normalize.apply(&numbered(1, 2), &mut [0.0; 2]).unwrap_err();
    assert_eq!(
        error,
        PipelineError::Statistics {
            found: 3,
            channels: 1
        }
    );
}

#[test]
fn pad_and_crop_shifts_and_fills_with_zeros() {
    let mut train = pipeline([3, 3], Fit::Exact, 1);
    train.augment = Some(Augment {
        crop: Crop::Pad(2),
        flip: false,
        ..Augment::default()
    });
    let picture = numbered(3, 3);
    let mut seen = std::collections::HashSet::new();
    for index in 0..500 {
        let shifted = met(&train, &picture, [0, 0, index]).unwrap();
        let fits = |down: isize, right: isize| {
            (0..9).all(|i| {
                let (row, column) = (i / 3 + down, i % 3 + right);
                let inside = (0..3).contains(&row) && (0..3).contains(&column);
                let expected = if inside {
                    picture.pixels[(row * 3 + column) as usize]
                } else {
                    0
                };
                shifted.pixels[i as usize] == expected
            })
        };
        let shift = (-2..=2)
            .flat_map(|down| (-2..=2).map(move |right| (down, right)))
            .find(|&(d, r)| fits(d, r));
        seen.insert(shift.expect("every crop is a shift of the picture by at most the border"));
    }
    assert_eq!(seen.len(), 25, "every shift occurs");
}

#[test]
fn half_of_the_pictures_are_mirrored() {
    let mut train = pipeline([2, 3], Fit::Exact, 1);
    train.augment = Some(Augment {
        crop: Crop::None,
        flip: true,
        ..Augment::default()
    });
    let picture = numbered(2, 3);
    let mirrored = (0..1000)
        .filter(|&index| {
            let found = met(&train, &picture, [0, 0, index]).unwrap();
            assert!(found == picture || found.pixels == [3, 2, 1, 6, 5, 4]);
            found != picture
        })
        .count();
    assert!((440..560).contains(&mirrored), "{mirrored} of 1000");
}

#[test]
fn random_resized_crops_cover_the_asked_for_shares() {
    // A ramp from left to right and one from top to bottom tell which region was taken.
    let (height, width) = (200, 240);
    let pixels = (0..height * width)
        .flat_map(|i| [(i % width) as u8, (i / width) as u8, 0])
        .collect();
    let picture = Picture {
        height,
        width,
        channels: 3,
        pixels,
    };
    let mut train = pipeline([64, 64], Fit::Exact, 3);
    let crop = Crop::RandomResized {
        scale: [0.08, 1.0],
        ratio: [3.0 / 4.0, 4.0 / 3.0],
    };
    train.augment = Some(Augment {
        crop,
        ..Augment::default()
    });
    let mut shares = Vec::new();
    for index in 0..400 {
        let found = met(&train, &picture, [3, 1, index]).unwrap();
        let value = |row: usize, column: usize, channel: usize| {
            f64::from(found.pixels[(row * 64 + column) * 3 + channel])
        };
        // The outermost of 64 samples are 63/64 of the region apart.
        let w = (value(32, 63, 0) - value(32, 0, 0)) * 64.0 / 63.0;
        let h = (value(63, 32, 1) - value(0, 32, 1)) * 64.0 / 63.0;
        let (share, ratio) = (w * h / (height * width) as f64, w / h);
        assert!((0.07..=1.02).contains(&share), "share {share}");
        assert!((0.70..=1.40).contains(&ratio), "ratio {ratio}");
        shares.push(share);
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(
        (0.45..0.56).contains(&mean),
        "uniform over 0.08…1, some large ones rejected: mean {mean}"
    );
}

#[test]
fn scale_jitter_resizes_and_cuts_anywhere() {
    // A ramp from left to right tells the scale and the place.
    let (height, width) = (120, 180);
    let picture = Picture {
        height,
        width,
        channels: 1,
        pixels: (0..height * width).map(|i| (i % width) as u8).collect(),
    };
    let mut train = pipeline([64, 64], Fit::Exact, 1);
    let crop = Crop::ScaleJitter { shorter: [64, 240] };
    train.augment = Some(Augment {
        crop,
        ..Augment::default()
    });
    let (mut scales, mut lefts) = (Vec::new(), Vec::new());
    for index in 0..300 {
        let found = met(&train, &picture, [3, 1, index]).unwrap();
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
fn what_follows_normalisation_is_seen_by_the_network() {
    let picture = Picture {
        height: 8,
        width: 8,
        channels: 3,
        pixels: vec![200; 192],
    };
    let mut train = pipeline([8, 8], Fit::Exact, 3);
    train.augment = Some(Augment {
        erasing: Some(Erasing {
            prob: 1.0,
            ..Erasing::default()
        }),
        ..Augment::default()
    });
    // Erased is the mean, which is 0.5 here.
    let erased = met(&train, &picture, [0, 0, 0]).unwrap();
    assert!(erased.pixels.contains(&128) && erased.pixels.contains(&200));
    train.augment = Some(Augment {
        cutout: Some(4),
        lighting: Some(0.1),
        ..Augment::default()
    });
    let cut = met(&train, &picture, [0, 0, 1]).unwrap();
    assert!(cut.pixels.contains(&128));
    assert!(!cut.pixels.contains(&200), "the light changes every pixel");
}

#[test]
fn settings_without_sense_are_named() {
    let good = pipeline([8, 8], Fit::Resize { shorter: 8 }, 3);
    assert_eq!(good.validate(), Ok(()));
    let mut bad = good.clone();
    bad.geometry.fit = Fit::Resize { shorter: 7 };
    assert_eq!(
        bad.validate(),
        Err(PipelineError::Shorter {
            shorter: 7,
            size: [8, 8]
        })
    );
    assert_eq!(
        apply(&bad, &numbered(9, 9)),
        Err(PipelineError::Shorter {
            shorter: 7,
            size: [8, 8]
        })
    );
    let mut bad = good.clone();
    bad.geometry.channels = 2;
    assert!(
        bad.validate()
            .unwrap_err()
            .to_string()
            .contains("2 channels")
    );
    let mut bad = good.clone();
    bad.normalize.std[1] = 0.0;
    assert!(bad.validate().unwrap_err().to_string().contains("above 0"));
    let mut bad = good.clone();
    bad.geometry.size = [0, 8];
    assert!(bad.validate().unwrap_err().to_string().contains("0×8"));
    let mut bad = good;
    bad.augment = Some(Augment {
        crop: Crop::RandomResized {
            scale: [0.5, 1.5],
            ratio: [1.0, 1.0],
        },
        flip: false,
        ..Augment::default()
    });
    assert!(bad.validate().unwrap_err().to_string().contains("scale"));

    let augments = [
        (
            "magnitude of RandAugment is 31",
            Augment {
                policy: Some(Policy::RandAugment {
                    num_ops: 2,
                    magnitude: 31,
                }),
                ..Augment::default()
            },
        ),
        (
            "hue",
            Augment {
                color_jitter: Some(ColorJitter {
                    hue: 0.6,
                    ..ColorJitter::default()
                }),
                ..Augment::default()
            },
        ),
        (
            "share of erased pictures is 2",
            Augment {
                erasing: Some(Erasing {
                    prob: 2.0,
                    ..Erasing::default()
                }),
                ..Augment::default()
            },
        ),
        (
            "scale jitter is [20, 10]",
            Augment {
                crop: Crop::ScaleJitter { shorter: [20, 10] },
                ..Augment::default()
            },
        ),
        (
            "side of the cutout is 1",
            Augment {
                cutout: Some(1),
                ..Augment::default()
            },
        ),
    ];
    for (message, augment) in augments {
        let mut bad = pipeline([8, 8], Fit::Exact, 3);
        bad.augment = Some(augment);
        let error = bad.validate().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let mut grey = pipeline([8, 8], Fit::Exact, 1);
    grey.augment = Some(Augment {
        lighting: Some(0.1),
        ..Augment::default()
    });
    assert!(grey.validate().unwrap_err().to_string().contains("RGB"));
}

#[test]
fn a_contact_sheet_shows_every_picture_and_survives_a_file() {
    let rgb = Picture {
        height: 1,
        width: 1,
        channels: 3,
        pixels: vec![10, 20, 30],
    };
    let sheet = contact_sheet(&[numbered(2, 2), rgb.clone(), rgb], 2);
    assert_eq!((sheet.height, sheet.width, sheet.channels), (6, 6, 3));
    assert_eq!(sheet.pixels[..9], [1, 1, 1, 2, 2, 2, 200, 200, 200]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    save_png(&sheet, &path).unwrap();
    assert_eq!(decode(&path).unwrap(), sheet);
    assert_eq!(contact_sheet(&[], 5).pixels, [200]);
}

proptest! {
    #[test]
    fn every_picture_comes_out_at_the_input_size(
        height in 1usize..80, width in 1usize..80, side in 1usize..40, colour: bool, index in 0usize..1000,
    ) {
        let channels = if colour { 3 } else { 1 };
        let picture = Picture { height, width, channels, pixels: vec![7; height * width * channels] };
        let mut any = pipeline([side, side], Fit::Resize { shorter: side }, 3);
        let crops = [
            None,
            Some(Crop::None),
            Some(Crop::Pad(side / 2)),
            Some(Crop::RandomResized { scale: [0.08, 1.0], ratio: [0.75, 1.33] }),
        ];
        for crop in crops {
            any.augment = crop.map(|crop| Augment { crop, flip: true, ..Augment::default() });
            let found = met(&any, &picture, [1, 2, index]).unwrap();
            prop_assert_eq!((found.height, found.width, found.channels), (side, side, 3));
            prop_assert_eq!(found.pixels.len(), any.values());
            prop_assert!(found.pixels.iter().all(|&value| value == 7 || value == 0));
        }
    }
}
