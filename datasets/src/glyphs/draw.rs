//! Drawing of one glyph: a variant of the digit, distorted, slanted, placed, inked and lit at random.

use std::f32::consts::TAU;

use burn_zoo_data::Image;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::SIDE;
use super::strokes::{DIGITS, Point, Stroke};

/// Straight segments between two points of a stroke.
const SEGMENTS: usize = 6;
/// Height of an unscaled digit in pixels.
const HEIGHT: f32 = 27.0;

/// Random number generator of one glyph. Its ChaCha key is `seed ‖ part ‖ index ‖ "glyphs"`, each 8 bytes little-endian.
pub(super) fn generator(seed: u64, part: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&part.to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    key[24..30].copy_from_slice(b"glyphs");
    ChaCha8Rng::from_seed(key)
}

/// An image of `digit`.
pub(super) fn draw(digit: usize, rng: &mut impl Rng) -> Image {
    let variants = DIGITS[digit];
    let variant = variants[rng.random_range(0..variants.len())];
    let hand = Hand::random(rng);
    let mut ink = [0.0; SIDE * SIDE];
    for stroke in variant {
        let path: Vec<Point> = path(*stroke)
            .into_iter()
            .map(|point| hand.place(point))
            .collect();
        // The pen presses harder at one end.
        let pressure = rng.random_range(-0.2..0.2f32);
        let last = (path.len() - 2).max(1) as f32;
        for (i, piece) in path.windows(2).enumerate() {
            let along = 2.0 * i as f32 / last - 1.0;
            let radius = hand.radius * (1.0 + pressure * along);
            blacken(&mut ink, piece[0], piece[1], radius, hand.softness, 1.0);
        }
    }
    if rng.random_bool(0.2) {
        stray_line(&mut ink, rng);
    }
    expose(&ink, rng)
}

/// A stroke as a sequence of short straight segments.
fn path(stroke: Stroke) -> Vec<Point> {
    let (points, closed) = match stroke {
        Stroke::Line(points) => {
            let mut path = vec![points[0]];
            for ends in points.windows(2) {
                path.extend(
                    (1..=SEGMENTS).map(|i| mix(ends[0], ends[1], i as f32 / SEGMENTS as f32)),
                );
            }
            return path;
        }
        Stroke::Curve(points) => (points, false),
        Stroke::Loop(points) => (points, true),
    };
    let count = points.len() as isize;
    let at = |i: isize| {
        if closed {
            points[i.rem_euclid(count) as usize]
        } else {
            points[i.clamp(0, count - 1) as usize]
        }
    };
    let mut path = vec![points[0]];
    for span in 0..if closed { count } else { count - 1 } {
        let around = [at(span - 1), at(span), at(span + 1), at(span + 2)];
        path.extend((1..=SEGMENTS).map(|i| catmull_rom(around, i as f32 / SEGMENTS as f32)));
    }
    path
}

fn mix(a: Point, b: Point, t: f32) -> Point {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
}

/// The Catmull–Rom spline between the two inner points of four.
fn catmull_rom(p: [Point; 4], t: f32) -> Point {
    std::array::from_fn(|axis| {
        let [a, b, c, d] = p.map(|point| point[axis]);
        let slope = c - a;
        let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
        let cube = 3.0 * (b - c) + d - a;
        b + 0.5 * t * (slope + t * (square + t * cube))
    })
}

/// Random handwriting: how the strokes of one glyph are distorted and inked.
struct Hand {
    /// Affine map from the centred unit square to pixels.
    affine: [[f32; 3]; 2],
    waves: [Wave; 3],
    /// Half the width of the pen, in pixels.
    radius: f32,
    /// Width of the edge between ink and paper, in pixels.
    softness: f32,
}

/// A smooth displacement, so that strokes that meet still meet.
struct Wave {
    direction: Point,
    phase: f32,
    shift: Point,
}

impl Hand {
    fn random(rng: &mut impl Rng) -> Self {
        let scale_y = rng.random_range(0.78..1.0f32) * HEIGHT;
        let scale_x = scale_y * rng.random_range(0.75..1.1f32);
        let turn = bell(rng) * 0.12;
        let slant = bell(rng) * 0.17;
        let (sin, cos) = turn.sin_cos();
        let middle = (SIDE as f32 - 1.0) / 2.0;
        let [dx, dy] = [
            rng.random_range(-2.5..2.5f32),
            rng.random_range(-2.5..2.5f32),
        ];
        let affine = [
            [cos * scale_x, (cos * slant - sin) * scale_y, middle + dx],
            [sin * scale_x, (sin * slant + cos) * scale_y, middle + dy],
        ];
        let waves = std::array::from_fn(|_| Wave {
            direction: [
                rng.random_range(-1.2..1.2f32),
                rng.random_range(-1.2..1.2f32),
            ],
            phase: rng.random_range(0.0..TAU),
            shift: [bell(rng) * 0.022, bell(rng) * 0.022],
        });
        let radius = rng.random_range(0.8..1.9f32);
        Self {
            affine,
            waves,
            radius,
            softness: rng.random_range(0.8..1.6f32),
        }
    }

    fn place(&self, point: Point) -> Point {
        let mut bent = point;
        for wave in &self.waves {
            let angle =
                TAU * (wave.direction[0] * point[0] + wave.direction[1] * point[1]) + wave.phase;
            bent[0] += wave.shift[0] * angle.sin();
            bent[1] += wave.shift[1] * angle.sin();
        }
        let [x, y] = [bent[0] - 0.5, bent[1] - 0.5];
        self.affine.map(|[a, b, c]| a * x + b * y + c)
    }
}

/// Adds ink along a segment; where strokes overlap, the darker one counts.
fn blacken(
    ink: &mut [f32; SIDE * SIDE],
    a: Point,
    b: Point,
    radius: f32,
    softness: f32,
    darkness: f32,
) {
    let reach = radius + softness;
    let span = |axis: usize| {
        let low = (a[axis].min(b[axis]) - reach).ceil().max(0.0) as usize;
        let high = (a[axis].max(b[axis]) + reach)
            .floor()
            .min(SIDE as f32 - 1.0);
        low..if high < 0.0 { 0 } else { high as usize + 1 }
    };
    let along = [b[0] - a[0], b[1] - a[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    for row in span(1) {
        for column in span(0) {
            let from = [column as f32 - a[0], row as f32 - a[1]];
            let t = ((from[0] * along[0] + from[1] * along[1]) / length).clamp(0.0, 1.0);
            let off = [from[0] - t * along[0], from[1] - t * along[1]];
            let distance = (off[0] * off[0] + off[1] * off[1]).sqrt();
            let cover = (0.5 + (radius - distance) / softness).clamp(0.0, 1.0) * darkness;
            let value = &mut ink[row * SIDE + column];
            *value = value.max(cover);
        }
    }
}

/// Adds a faint line near the border, such as the rule of a form or a stroke of a neighbouring digit.
fn stray_line(ink: &mut [f32; SIDE * SIDE], rng: &mut impl Rng) {
    let side = SIDE as f32 - 1.0;
    let edge = rng.random_range(-1.0..4.0f32);
    let edge = if rng.random_bool(0.5) {
        edge
    } else {
        side - edge
    };
    let end = edge + rng.random_range(-3.0..3.0f32);
    let (a, b) = if rng.random_bool(0.5) {
        ([edge, 0.0], [end, side])
    } else {
        ([0.0, edge], [side, end])
    };
    let radius = rng.random_range(0.3..0.9f32);
    blacken(ink, a, b, radius, 1.0, rng.random_range(0.3..0.7f32));
}

/// Converts ink to grey levels, with uneven light and noise.
fn expose(ink: &[f32; SIDE * SIDE], rng: &mut impl Rng) -> Image {
    let paper = rng.random_range(140.0..255.0f32);
    let pen = rng.random_range(0.0..paper - 90.0);
    let (fall, turn) = (rng.random_range(0.0..30.0f32), rng.random_range(0.0..TAU));
    let grain = rng.random_range(1.0..14.0f32);
    let (sin, cos) = turn.sin_cos();
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for (i, &cover) in ink.iter().enumerate() {
        let [x, y] = [
            (i % SIDE) as f32 / middle - 1.0,
            (i / SIDE) as f32 / middle - 1.0,
        ];
        let light = fall * (cos * x + sin * y);
        let value = paper + (pen - paper) * cover + light + grain * bell(rng);
        pixels.push(value.round().clamp(0.0, 255.0) as u8);
    }
    Image {
        height: SIDE,
        width: SIDE,
        channels: 1,
        pixels,
    }
}

/// A nearly normal random value with mean 0 and std 1, never beyond ±3.5: the sum of four random bytes.
fn bell(rng: &mut impl Rng) -> f32 {
    /// Std of the sum of four uniform bytes.
    const STD: f32 = 147.8;
    let bytes = rng.next_u32().to_le_bytes();
    let sum: u32 = bytes.into_iter().map(u32::from).sum();
    (sum as f32 - 510.0) / STD
}
