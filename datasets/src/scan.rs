//! Folders of images: one folder per class, images anywhere below it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn_zoo_data::{DecodeError, Image, decode};

use crate::error::OpenError;

/// File name endings, in lower case, of the images that can be read.
pub(crate) const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// The folders in `folder`, each with its name, in the order of the names; links are followed, hidden ones left out.
pub(crate) fn class_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, OpenError> {
    let mut classes: Vec<(String, PathBuf)> = entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| (file_name(&path), path))
        .collect();
    classes.sort();
    Ok(classes)
}

/// The image files in and below `folder`, in the order of their paths; links are followed.
///
/// A file is an image by its ending; whether it holds one is seen when it is decoded.
pub(crate) fn images(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = files(folder)?;
    found.retain(|path| is_image(path));
    Ok(found)
}

/// The files in and below `folder`, in the order of their paths; links are followed, hidden ones left out.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = Vec::new();
    walk(folder, &mut Vec::new(), &mut found)?;
    found.sort();
    Ok(found)
}

/// `above` holds the folders that lead here, so that a link to one of them ends the descent.
fn walk(
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
            walk(&path, above, found)?;
        } else {
            // A dangling link is kept: it is an image that cannot be loaded, not one that was never there.
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

/// Every image decoded, in order, on all cores; the first that fails is the error.
pub(crate) fn decode_all(paths: &[PathBuf]) -> Result<Vec<Image>, DecodeError> {
    on_all_cores(paths, |path| decode(path))
}

/// What `work` makes of every item, in order, on all cores; the first that fails is the error.
pub(crate) fn on_all_cores<I: Sync, T: Send, E: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return done;
            };
            let result = work(item);
            let failed = result.is_err();
            done.push((index, result));
            if failed {
                // No thread begins another item; those in the making may fail earlier in the order.
                next.store(items.len(), Ordering::Relaxed);
            }
        }
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    done.sort_unstable_by_key(|&(index, _)| index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Items of a training and of a validation split, as the names of files tell them: `val`, `valid` or `validation` in a name
/// or a folder of it validates, without any such `test` does; everything else trains, but for tests beside validation.
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
    match valid.is_empty() {
        true => (train, test),
        false => (train, valid),
    }
}
