//! Unpacking an archive into a temporary folder, which is then renamed.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::Problem;
use super::{Archive, Phase, Progress};
use crate::scan::file_name;

/// Unpacks `folder` from the archive at `path` to `root`.
pub(super) fn unpack(
    archive: Archive,
    path: &Path,
    root: &Path,
    folder: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Problem> {
    let aside = root.join(format!(".{folder}.unpacking"));
    if aside.exists() {
        // Left by an interrupted run.
        fs::remove_dir_all(&aside).map_err(|error| Problem::disk(&aside, error))?;
    }
    fs::create_dir(&aside).map_err(|error| Problem::disk(&aside, error))?;
    let unpacked = match archive {
        Archive::TarGz => tar_gz(path, &aside, progress),
        Archive::Zip => zip(path, &aside, progress),
    };
    let finished = unpacked.and_then(|()| {
        let inner = aside.join(folder);
        if !inner.is_dir() {
            return Err(Problem::Unpack {
                path: path.to_owned(),
                reason: format!("it holds no folder {folder}"),
            });
        }
        let target = root.join(folder);
        fs::rename(&inner, &target).map_err(|error| Problem::disk(&target, error))
    });
    let removed = fs::remove_dir_all(&aside).map_err(|error| Problem::disk(&aside, error));
    finished.and(removed)
}

fn tar_gz(
    path: &Path,
    aside: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Problem> {
    let file = File::open(path).map_err(|error| Problem::disk(path, error))?;
    let total = file
        .metadata()
        .map_err(|error| Problem::disk(path, error))?
        .len();
    let name = file_name(path);
    let counted = Counted {
        inner: file,
        done: 0,
        report: |done| {
            progress(Progress {
                file: &name,
                phase: Phase::Unpack,
                done,
                total,
            });
        },
    };
    // The tar crate skips entries that lead outside the folder.
    tar::Archive::new(GzDecoder::new(BufReader::new(counted)))
        .unpack(aside)
        .map_err(|error| failed(path, aside, error))
}

fn zip(path: &Path, aside: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Problem> {
    let damaged = |reason: String| Problem::Unpack {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(|error| Problem::disk(path, error))?;
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(error.to_string()))?;
    let (name, entries) = (file_name(path), archive.len());
    for index in 0..entries {
        progress(Progress {
            file: &name,
            phase: Phase::Unpack,
            done: index as u64,
            total: entries as u64,
        });
        let mut entry = archive
            .by_index(index)
            .map_err(|error| damaged(error.to_string()))?;
        let Some(inner) = entry.enclosed_name() else {
            return Err(damaged(format!("entry {index} leads outside the folder")));
        };
        let target = aside.join(inner);
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(|error| Problem::disk(&target, error))?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| Problem::disk(parent, error))?;
        }
        let mut out = File::create(&target).map_err(|error| Problem::disk(&target, error))?;
        std::io::copy(&mut entry, &mut out).map_err(|error| failed(path, &target, error))?;
    }
    Ok(())
}

/// A full disk, or else a damaged archive.
fn failed(path: &Path, target: &Path, error: std::io::Error) -> Problem {
    match Problem::disk(target, error) {
        Problem::Disk { source, .. } => Problem::Unpack {
            path: path.to_owned(),
            reason: source.to_string(),
        },
        full => full,
    }
}

/// A reader that reports how many bytes have been read.
struct Counted<R, F> {
    inner: R,
    done: u64,
    report: F,
}

impl<R: Read, F: FnMut(u64)> Read for Counted<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.done += length as u64;
        (self.report)(self.done);
        Ok(length)
    }
}
