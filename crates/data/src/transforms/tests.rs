//! Each operation against torchvision's result for the same image and magnitude (`tests/fixtures/make.py`).

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::op::{AUTO, Op, RAND, Scale, WIDE};
use super::*;
use crate::decode;
use crate::transforms::geometry::crop;

fn op(name: &Value) -> Op {
    let found = Op::ALL
        .into_iter()
        .find(|op| Some(format!("{op:?}").as_str()) == name.as_str());
    found.unwrap_or_else(|| panic!("no operation {name}"))
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn image(name: &str) -> Image {
    decode(&fixture(name)).expect("the fixture is an image")
}

fn reference() -> Value {
    let text = std::fs::read_to_string(fixture("operations.json")).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is JSON")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Image `i` of a sheet, one below the other.
fn tile(sheet: &Image, i: usize) -> Image {
    crop(sheet, [20 * i, 0], [20, 24])
}

#[test]
fn operations_are_torchvisions_bit_for_bit() {
    let reference = reference();
    let operations = list(&reference["operations"]);
    let (colour, colours) = (image("tile.png"), image("operations.png"));
    let (mut grey, greys) = (colour.clone(), image("operations_grey.png"));
    grey.channels = 1;
    grey.pixels = colour
        .pixels
        .chunks_exact(3)
        .map(crate::image::luma)
        .collect();
    assert_eq!(operations.len(), 43);
    for (i, operation) in operations.iter().enumerate() {
        for (own, results) in [(&colour, &colours), (&grey, &greys)] {
            let mut changed = own.clone();
            op(&operation[0]).apply(&mut changed, number(&operation[1]));
            assert_eq!(
                changed,
                tile(results, i),
                "{operation}, {} channels",
                own.channels
            );
        }
    }

    let mut after = operations.len();
    let mut dull = colour.clone();
    dull.pixels
        .iter_mut()
        .for_each(|byte| *byte = 90 + *byte / 4);
    for op in [Op::AutoContrast, Op::Equalize] {
        let mut changed = dull.clone();
        op.apply(&mut changed, 0.0);
        assert_eq!(changed, tile(&colours, after), "{op:?} of a dull image");
        after += 1;
    }
    for turn in list(&reference["turns"]) {
        let mut changed = colour.clone();
        adjust::hue(&mut changed, number(turn));
        assert_eq!(changed, tile(&colours, after), "hue {turn}");
        after += 1;
    }
    assert_eq!(colours.height, 20 * after, "all of the sheet is compared");
}

#[test]
fn magnitudes_are_torchvisions() {
    let reference = reference();
    let scales: [(&str, &Scale); 3] = [("rand", &RAND), ("wide", &WIDE), ("auto", &AUTO)];
    for (name, scale) in scales {
        let space = reference["magnitudes"][name].as_object().expect("a table");
        for (key, entry) in space {
            let op = op(&Value::from(key.as_str()));
            assert_eq!(entry[0], op.is_signed(), "{name}, {key}");
            for (bin, expected) in list(&entry[1]).iter().enumerate() {
                let found = scale.magnitude(op, bin, [20, 24]);
                let expected = number(expected);
                // PyTorch's `linspace` rounds by the width of the machine's vectors.
                assert!((found - expected).abs() < 1e-5, "{name}, {key}, step {bin}");
            }
        }
        let choice = Op::CHOICE
            .iter()
            .filter(|op| space.contains_key(&format!("{op:?}")));
        // AutoAugment can invert as well, and does not count doing nothing.
        let expected = if name == "auto" { [13, 14] } else { [14, 14] };
        assert_eq!([choice.count(), space.len()], expected, "{name}");
    }
}

#[test]
fn pairs_are_torchvisions() {
    let reference = reference();
    let all = [
        ("imagenet", AutoAugment::ImageNet),
        ("cifar10", AutoAugment::Cifar10),
        ("svhn", AutoAugment::Svhn),
    ];
    for (name, which) in all {
        let expected = list(&reference["pairs"][name]);
        assert_eq!(expected.len(), 25);
        for (found, expected) in which.pairs().iter().zip(expected) {
            for (&(own, probability, bin), step) in found.iter().zip(list(expected)) {
                assert_eq!(own, op(&step[0]), "{name}: {expected}");
                assert_eq!(probability, number(&step[1]), "{name}: {expected}");
                assert_eq!(
                    bin as u64,
                    step[2].as_u64().unwrap_or(0),
                    "{name}: {expected}"
                );
            }
        }
    }
}

/// How often each of the different images comes out of `policy`.
fn outcomes(policy: Policy) -> Vec<(Image, usize)> {
    let mut own = image("tile.png");
    // For solarize, which inverts bright values only.
    own.pixels[0] = 255;
    let mut outcomes: Vec<(Image, usize)> = Vec::new();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..4000 {
        let mut changed = own.clone();
        policy.apply(&mut changed, &mut rng);
        match outcomes.iter_mut().find(|(known, _)| *known == changed) {
            Some((_, count)) => *count += 1,
            None => outcomes.push((changed, 1)),
        }
    }
    outcomes
}

#[test]
fn policies_choose_uniformly_and_in_both_directions() {
    let one = |magnitude| Policy::RandAugment {
        num_ops: 1,
        magnitude,
    };
    // Nine operations have two directions, five have one; each of the fourteen comes up 286 times in 4000. The image has the
    // full range already: auto-contrast leaves it unchanged.
    let found = outcomes(one(9));
    assert_eq!(found.len(), 9 * 2 + 4);
    for (image, count) in &found {
        let both_ways = (100..190).contains(count);
        let one_way = (230..345).contains(count);
        let twice_one_way = (500..650).contains(count);
        assert!(
            both_ways || one_way || twice_one_way,
            "{count} of {image:?}"
        );
    }
    // At magnitude 0 only three of the fourteen change the image, solarize a few pixels of it.
    let found = outcomes(one(0));
    assert!(found.len() <= 4, "{}", found.len());
    // Fourteen operations at 31 magnitudes.
    assert!(outcomes(Policy::TrivialAugmentWide).len() > 300);
    assert!(outcomes(Policy::AutoAugment(AutoAugment::Cifar10)).len() > 60);
}

#[test]
fn color_jitter_covers_its_range() {
    let grey = Image {
        height: 1,
        width: 1,
        channels: 1,
        pixels: vec![100],
    };
    let jitter = ColorJitter {
        brightness: 0.4,
        hue: 0.2,
        ..ColorJitter::default()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let values: Vec<u8> = (0..2000)
        .map(|_| {
            let mut changed = grey.clone();
            jitter.apply(&mut changed, &mut rng);
            changed.pixels[0]
        })
        .collect();
    assert_eq!(values.iter().min(), Some(&60));
    assert!(matches!(values.iter().max(), Some(139 | 140)));
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / 2000.0;
    assert!((98.0..101.0).contains(&mean), "{mean}");
}

#[test]
fn pca_lighting_follows_the_principal_components() {
    let std = [0.5, 0.25, 0.2];
    let mut values = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    jitter::add_light([0.1, -0.2, 0.3], &std, &mut values);
    // The sum of alpha × eigenvalue × eigenvector, in NumPy.
    let light = [-0.014506102, -0.01371438, -0.009513447];
    for (channel, light) in light.into_iter().enumerate() {
        for (pixel, own) in [0.0, 1.0].into_iter().enumerate() {
            let found = values[2 * channel + pixel];
            let expected = own + light / std[channel];
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let reds: Vec<f64> = (0..4000)
        .map(|_| {
            let mut values = [0.0; 3];
            jitter::pca_lighting(0.1, &[1.0; 3], &mut values, &mut rng);
            f64::from(values[0])
        })
        .collect();
    // Red's part of the three components, each coefficient of std 0.1.
    let expected = 0.1 * (0.12343f64.powi(2) + 0.01352f64.powi(2) + 0.00180f64.powi(2)).sqrt();
    let found = (reds.iter().map(|red| red * red).sum::<f64>() / 4000.0).sqrt();
    assert!((found / expected - 1.0).abs() < 0.05, "{found} {expected}");
}

/// Rows and columns of the rectangle whose values are not 1, the same in each of two planes.
fn erased_box([height, width]: [usize; 2], values: &[f32]) -> Option<[usize; 4]> {
    let is_erased = |row: usize, column: usize| values[row * width + column] != 1.0;
    let rows: Vec<usize> = (0..height)
        .filter(|&row| (0..width).any(|c| is_erased(row, c)))
        .collect();
    let columns: Vec<usize> = (0..width)
        .filter(|&c| (0..height).any(|row| is_erased(row, c)))
        .collect();
    let (top, bottom) = (*rows.first()?, *rows.last()? + 1);
    let (left, right) = (*columns.first()?, *columns.last()? + 1);
    for plane in values.chunks_exact(height * width) {
        for (i, value) in plane.iter().enumerate() {
            let inside =
                (top..bottom).contains(&(i / width)) && (left..right).contains(&(i % width));
            assert_eq!(*value != 1.0, inside);
        }
    }
    Some([top, bottom, left, right])
}

#[test]
fn erasing_keeps_to_area_and_shape() {
    let size = [40, 60];
    let erasing = Erasing {
        value: EraseValue::Random,
        ..Erasing::default()
    };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut count, mut fractions) = (0, 0.0);
    for _ in 0..1000 {
        let mut values = vec![1.0; 2 * 40 * 60];
        erasing.apply(size, &mut values, &mut rng);
        let Some([top, bottom, left, right]) = erased_box(size, &values) else {
            continue;
        };
        let (h, w) = ((bottom - top) as f64, (right - left) as f64);
        let fraction = h * w / 2400.0;
        assert!((0.015..0.35).contains(&fraction), "{fraction}");
        assert!((0.25..4.0).contains(&(h / w)), "{h} {w}");
        count += 1;
        fractions += fraction;
    }
    assert!((440..560).contains(&count), "{count}");
    let mean = fractions / f64::from(count);
    assert!((0.14..0.19).contains(&mean), "{mean}");
}

#[test]
fn a_cutout_is_a_square_of_zeros_cut_at_the_border() {
    let size = [20, 30];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut whole = 0;
    for _ in 0..500 {
        let mut values = vec![1.0; 2 * 20 * 30];
        erase::cut_out(8, size, &mut values, &mut rng);
        let [top, bottom, left, right] = erased_box(size, &values).expect("there is always one");
        assert!(values.iter().all(|value| [0.0, 1.0].contains(value)));
        let (h, w) = (bottom - top, right - left);
        assert!((4..=8).contains(&h) && (4..=8).contains(&w), "{h}×{w}");
        assert!(h == 8 || top == 0 || bottom == 20);
        assert!(w == 8 || left == 0 || right == 30);
        whole += usize::from(h == 8 && w == 8);
    }
    // 13 of 20 rows and 23 of 30 columns leave room on both sides.
    assert!((200..300).contains(&whole), "{whole}");
}
