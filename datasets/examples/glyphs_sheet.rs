//! Draws a contact sheet of the glyphs, a digit a row: `cargo run -p burn-zoo-datasets --example glyphs_sheet [FILE]`.

use std::path::PathBuf;

use burn::data::dataset::Dataset;
use burn_zoo_data::{contact_sheet, save_png};
use burn_zoo_datasets::Glyphs;

const CLASSES: usize = 10;
const COLUMNS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("docs/glyphs.png"), PathBuf::from);
    let glyphs = Glyphs::train(0, CLASSES * COLUMNS);
    let mut images = Vec::with_capacity(glyphs.len());
    for digit in 0..CLASSES {
        for column in 0..COLUMNS {
            images.push(glyphs.get(column * CLASSES + digit)?.image.decode()?);
        }
    }
    save_png(&contact_sheet(&images, COLUMNS), &path)?;
    Ok(())
}
