//! Folders of images: one folder per class, images anywhere below it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use burn_zoo_data::{DecodeError, Image, decode};
use rayon::prelude::*;

use crate::error::OpenError;

/// File extensions, in lower case, of the image formats that can be decoded.
pub(crate) const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// The folders in `folder` and their names, sorted by name; symbolic links are followed, hidden folders left out.
pub(crate) fn class_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, OpenError> {
    let mut classes: Vec<(String, PathBuf)> = entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| (file_name(&path), path))
        .collect();
    classes.sort();
    Ok(classes)
}

/// The image files in and below `folder`, as [`files`]. A file is an image by its extension; its content is not read.
pub(crate) fn images(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = files(folder)?;
    found.retain(|path| is_image(path));
    Ok(found)
}

/// The files in and below `folder`, sorted by path; symbolic links are followed, hidden files and folders left out.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = Vec::new();
    visit(folder, &mut Vec::new(), &mut found)?;
    found.sort();
    Ok(found)
}

/// `above` holds the parent folders, so that a link to one of them ends the recursion.
fn visit(
    folder: &Path,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<PathBuf>,
) -> Result<(), OpenError> {
    let real = fs::canonicalize(folder).map_err(|source| OpenError::unreadable(folder, source))?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for path in entries(folder)? {
        if path.is_dir() {
            visit(&path, above, found)?;
        } else {
            // A dangling link is kept: its sample cannot be loaded, which is reported, instead of missing silently.
            found.push(path);
        }
    }
    above.pop();
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let unreadable = |source| OpenError::unreadable(folder, source);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if !file_name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    Ok(paths)
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .into_owned()
}

fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .unwrap_or(OsStr::new(""))
        .to_string_lossy()
        .to_ascii_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// Decodes every image, in order, on all cores.
pub(crate) fn decode_all(paths: &[PathBuf]) -> Result<Vec<Image>, DecodeError> {
    paths.par_iter().map(|path| decode(path)).collect()
}

/// Divides items into training and validation by the words in their paths: `val`, `valid`, `validation` or `eval` is for
/// validation, or else `test`; everything else is for training. `test` is left out where there is validation.
pub(crate) fn in_splits<T>(items: Vec<T>, name: impl Fn(&T) -> String) -> (Vec<T>, Vec<T>) {
    let says = |item: &T, wanted: &[&str]| {
        let name = name(item).to_ascii_lowercase();
        name.split(|c: char| !c.is_ascii_alphabetic())
            .any(|word| wanted.contains(&word))
    };
    let (valid, rest): (Vec<T>, Vec<T>) = items
        .into_iter()
        .partition(|item| says(item, &["val", "valid", "validation", "eval"]));
    let (test, train): (Vec<T>, Vec<T>) = rest.into_iter().partition(|item| says(item, &["test"]));
    (train, if valid.is_empty() { test } else { valid })
}
