//! Changes of colour and sharpness, bit for bit as Pillow makes them: `ImageEnhance`, `ImageOps` and its HSV.

use crate::image::{Image, luma};

/// Towards black at factor 0, the image at 1, brighter above (`ImageEnhance.Brightness`).
pub(super) fn brightness(image: &mut Image, factor: f32) {
    look_up(image, |byte| blend(0, byte, factor));
}

/// Towards the mean grey at factor 0, the image at 1 (`ImageEnhance.Contrast`).
pub(super) fn contrast(image: &mut Image, factor: f32) {
    let sum: u64 = match image.channels {
        3 => image
            .pixels
            .chunks_exact(3)
            .map(|rgb| u64::from(luma(rgb)))
            .sum(),
        _ => image.pixels.iter().copied().map(u64::from).sum(),
    };
    let mean = (sum as f64 / (image.height * image.width) as f64 + 0.5) as u8;
    look_up(image, |byte| blend(mean, byte, factor));
}

/// Towards grey at factor 0, the image at 1 (`ImageEnhance.Color`). Grey images stay.
pub(super) fn saturation(image: &mut Image, factor: f32) {
    if image.channels == 3 {
        for rgb in image.pixels.chunks_exact_mut(3) {
            let grey = luma(rgb);
            for byte in rgb {
                *byte = blend(grey, *byte, factor);
            }
        }
    }
}

/// Towards a smoothed image at factor 0, the image at 1 (`ImageEnhance.Sharpness`).
pub(super) fn sharpness(image: &mut Image, factor: f32) {
    let (height, width, channels) = (image.height, image.width, image.channels);
    if height < 3 || width < 3 {
        return;
    }
    let stride = width * channels;
    let source = image.pixels.clone();
    // The pixels of the border have no smoothed counterpart and stay.
    for row in 1..height - 1 {
        for i in row * stride + channels..(row + 1) * stride - channels {
            // All weights are 1, except the centre's, which is 5.
            let rows = [i - stride, i, i + stride];
            let sum: u32 = rows
                .iter()
                .flat_map(|&i| [i - channels, i, i + channels])
                .map(|i| u32::from(source[i]))
                .sum();
            let smooth = (2 * (sum + 4 * u32::from(source[i])) + 13) / 26;
            image.pixels[i] = blend(smooth as u8, source[i], factor);
        }
    }
}

/// Turns the hue by `turn`, a fraction of the whole circle between −0.5 and 0.5 (torchvision's `adjust_hue` of a Pillow
/// image). Grey images stay.
pub(super) fn hue(image: &mut Image, turn: f64) {
    let steps = (turn * 255.0) as i32 as u8;
    if image.channels == 3 {
        for rgb in image.pixels.chunks_exact_mut(3) {
            let [h, s, v] = hsv([rgb[0], rgb[1], rgb[2]]);
            rgb.copy_from_slice(&self::rgb([h.wrapping_add(steps), s, v]));
        }
    }
}

/// Keeps the `bits` highest bits of every value.
pub(super) fn posterize(image: &mut Image, bits: u32) {
    let mask = (0xff00_u16 >> bits) as u8;
    look_up(image, |byte| byte & mask);
}

/// Inverts the values from `threshold` on.
pub(super) fn solarize(image: &mut Image, threshold: f64) {
    look_up(image, |byte| match f64::from(byte) < threshold {
        true => byte,
        false => 255 - byte,
    });
}

/// Inverts every value.
pub(super) fn invert(image: &mut Image) {
    look_up(image, |byte| 255 - byte);
}

/// Stretches each channel to the full range.
pub(super) fn auto_contrast(image: &mut Image) {
    look_up_by_histogram(image, |histogram| {
        let low = histogram.iter().position(|&count| count > 0)?;
        let high = histogram.iter().rposition(|&count| count > 0)?;
        if high <= low {
            return None;
        }
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        // The conversion clamps to 0…255.
        Some(std::array::from_fn(|byte| {
            (byte as f64 * scale + offset) as u8
        }))
    });
}

/// Spreads the values of each channel evenly over the range.
pub(super) fn equalize(image: &mut Image) {
    look_up_by_histogram(image, |histogram| {
        let last = histogram.iter().rfind(|&&count| count > 0)?;
        let step = (histogram.iter().sum::<u32>() - last) / 255;
        if step == 0 {
            return None;
        }
        let mut below = step / 2;
        Some(std::array::from_fn(|byte| {
            let value = below / step;
            below += histogram[byte];
            value.min(255) as u8
        }))
    });
}

/// `towards` at factor 0, `own` at 1, extrapolated beyond (Pillow's `ImagingBlend`, which truncates decimals).
fn blend(towards: u8, own: u8, factor: f32) -> u8 {
    let (towards, own) = (f32::from(towards), f32::from(own));
    // The conversion clamps to 0…255.
    (towards + factor * (own - towards)) as u8
}

fn look_up(image: &mut Image, value: impl Fn(u8) -> u8) {
    let table: [u8; 256] = std::array::from_fn(|byte| value(byte as u8));
    for byte in &mut image.pixels {
        *byte = table[usize::from(*byte)];
    }
}

/// Maps the values of each channel by the table that `table` makes of the channel's histogram, if it makes one.
fn look_up_by_histogram(image: &mut Image, table: impl Fn(&[u32; 256]) -> Option<[u8; 256]>) {
    let channels = image.channels;
    for channel in 0..channels {
        let mut histogram = [0; 256];
        for &byte in image.pixels[channel..].iter().step_by(channels) {
            histogram[usize::from(byte)] += 1;
        }
        if let Some(table) = table(&histogram) {
            for byte in image.pixels[channel..].iter_mut().step_by(channels) {
                *byte = table[usize::from(*byte)];
            }
        }
    }
}

/// Hue, saturation and value as Pillow rounds them.
fn hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most == least {
        return [0, 0, most];
    }
    let range = f32::from(most - least);
    let below = |byte: u8| f32::from(most - byte) / range;
    let sector = if r == most {
        below(b) - below(g)
    } else if g == most {
        (2.0 + f64::from(below(r)) - f64::from(below(b))) as f32
    } else {
        (4.0 + f64::from(below(g)) - f64::from(below(r))) as f32
    };
    let h = ((f64::from(sector) / 6.0 + 1.0) % 1.0) as f32;
    let s = range / f32::from(most);
    [
        (f64::from(h) * 255.0) as u8,
        (f64::from(s) * 255.0) as u8,
        most,
    ]
}

/// The inverse of [`hsv`], as Pillow rounds it.
fn rgb([h, s, v]: [u8; 3]) -> [u8; 3] {
    if s == 0 {
        return [v; 3];
    }
    let sector = f64::from(f32::from(h)) * 6.0 / 255.0;
    let whole = sector.floor();
    let part = f64::from((sector - whole) as f32);
    let s = f64::from((f64::from(f32::from(s)) / 255.0) as f32);
    let value = f64::from(v);
    let down = |by: f64| (value * (1.0 - by)).round() as u8;
    let (p, q, t) = (down(s), down(s * part), down(s * (1.0 - part)));
    match whole as u32 % 6 {
        0 => [v, t, p],
        1 => [q, v, p],
        2 => [p, v, t],
        3 => [p, q, v],
        4 => [t, p, v],
        _ => [v, p, q],
    }
}
