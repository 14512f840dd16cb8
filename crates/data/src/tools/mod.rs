//! Images for people: near duplicates, contact sheets and thumbnails.

mod contact_sheet;
mod fingerprint;

pub use contact_sheet::{contact_sheet, png, save_png, thumbnail};
pub use fingerprint::{Fingerprint, near_duplicates};
