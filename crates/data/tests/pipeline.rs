//! Geometry and normalisation against Pillow, torchvision and arithmetic; invalid settings.

mod images;

use std::path::Path;

use burn_zoo_data::{
    Augment, ColorJitter, Crop, Erasing, Image, Normalize, PipelineError, Policy, ResizeMode,
    contact_sheet, decode, save_png,
};
use images::{apply, numbered, pipeline};

fn fixture(name: &str) -> Image {
    decode(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name),
    )
    .unwrap()
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
fn resizing_is_pillows_antialiased_bilinear() {
    let source = fixture("source.png");
    for (name, size) in [("down_17x24.png", [17, 24]), ("up_45x61.png", [45, 61])] {
        // The whole image as the region of the crop, so that only the resize acts.
        let mut resize = pipeline(size, ResizeMode::Exact, 3);
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
            largest_difference(&apply(&resize, &source).unwrap(), &fixture(name)) <= 1,
            "{name}"
        );
    }
}

#[test]
fn evaluation_is_torchvisions_resize_and_centre_crop() {
    let evaluation = pipeline([21, 17], ResizeMode::Resize { shorter: 24 }, 3);
    let found = apply(&evaluation, &fixture("source.png")).unwrap();
    assert!(largest_difference(&found, &fixture("evaluation_21x17.png")) <= 1);
}

#[test]
fn grey_is_pillows_luma_and_repeats_into_rgb() {
    let (source, grey) = (fixture("source.png"), fixture("source_grey.png"));
    assert_eq!(
        apply(&pipeline([37, 53], ResizeMode::Exact, 1), &source).unwrap(),
        grey
    );
    let rgb = apply(&pipeline([37, 53], ResizeMode::Exact, 3), &grey).unwrap();
    assert!(
        rgb.pixels
            .chunks_exact(3)
            .zip(&grey.pixels)
            .all(|(rgb, &grey)| rgb == [grey; 3])
    );
}

#[test]
fn padding_centres_on_zeros() {
    let padded = apply(&pipeline([4, 5], ResizeMode::Pad, 1), &numbered(2, 2)).unwrap();
    assert_eq!(
        padded.pixels,
        [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0]
    );
}

#[test]
fn a_wrong_size_is_an_error_that_names_both() {
    let error = apply(&pipeline([32, 32], ResizeMode::Exact, 1), &numbered(3, 4)).unwrap_err();
    assert!(
        error.to_string().contains("3×4") && error.to_string().contains("32×32"),
        "{error}"
    );
    let error = apply(&pipeline([2, 8], ResizeMode::Pad, 1), &numbered(3, 4)).unwrap_err();
    assert_eq!(
        error,
        PipelineError::Size {
            found: [3, 4],
            expected: [2, 8]
        }
    );
}

#[test]
fn normalised_pixels_lie_in_channel_planes() {
    let image = Image {
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
    normalize.apply(&image, &mut out).unwrap();
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
fn invalid_settings_are_named() {
    let good = pipeline([8, 8], ResizeMode::Resize { shorter: 8 }, 3);
    assert_eq!(good.validate(), Ok(()));
    let mut bad = good.clone();
    bad.geometry.fit = ResizeMode::Resize { shorter: 7 };
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
            "augment.magnitude = 31",
            Augment {
                policy: Some(Policy::RandAugment {
                    num_ops: 2,
                    magnitude: 31,
                }),
                ..Augment::default()
            },
        ),
        (
            "augment.color_jitter.hue = 0.6",
            Augment {
                color_jitter: Some(ColorJitter {
                    hue: 0.6,
                    ..ColorJitter::default()
                }),
                ..Augment::default()
            },
        ),
        (
            "augment.erasing.prob = 2",
            Augment {
                erasing: Some(Erasing {
                    prob: 2.0,
                    ..Erasing::default()
                }),
                ..Augment::default()
            },
        ),
        (
            "augment.shorter = [20, 10]",
            Augment {
                crop: Crop::ScaleJitter { shorter: [20, 10] },
                ..Augment::default()
            },
        ),
        (
            "augment.cutout = 1",
            Augment {
                cutout: Some(1),
                ..Augment::default()
            },
        ),
    ];
    for (message, augment) in augments {
        let mut bad = pipeline([8, 8], ResizeMode::Exact, 3);
        bad.augment = Some(augment);
        let error = bad.validate().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let mut grey = pipeline([8, 8], ResizeMode::Exact, 1);
    grey.augment = Some(Augment {
        lighting: Some(0.1),
        ..Augment::default()
    });
    assert!(grey.validate().unwrap_err().to_string().contains("RGB"));
}

#[test]
fn a_contact_sheet_shows_every_image_and_survives_a_file() {
    let rgb = Image {
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
