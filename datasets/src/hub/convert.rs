//! Conversion of Parquet files to tar files, one for each, with the samples in the same order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn_zoo_data::file_extension;

use super::listing::{File as ListedFile, Listing, access_denied};
use super::table::Table;
use super::{HubError, HubOptions, HubSet};
use crate::error::OpenError;
use crate::fetch::{FetchError, Phase, Progress, fetch_file_with_token};
use crate::http::{Failure, with_retries};
use crate::scan::file_name;
use crate::shards::{CLASSES, Writer, write_atomic, writing};

/// Writes a tar file into `tars` for every file of `listing`, and the class names; tar files that are there stay.
pub(super) fn all(
    set: &HubSet,
    listing: &Listing,
    temporary: &Path,
    tars: &Path,
    options: &HubOptions,
    retry: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), HubError> {
    fs::create_dir_all(tars).map_err(writing(tars))?;
    for (split, files) in [("train", &listing.train), ("val", &listing.valid)] {
        for (number, file) in files.iter().enumerate() {
            let tar = tars.join(format!("{split}-{number:06}.tar"));
            // The index is written last.
            if tar.is_file() && tar.with_extension("tar.index").is_file() {
                continue;
            }
            let path = download(file, temporary, options, retry, progress);
            // A user who may list the files may still not have access to them.
            let path = path.map_err(|error| match error.is_access_denied() {
                true => HubError::Set {
                    set: set.clone(),
                    problem: access_denied(set, options),
                },
                false => error.into(),
            })?;
            convert(&path, &tar, options.label.as_deref(), progress)?;
            fs::remove_file(&path).map_err(writing(&path))?;
        }
    }
    Ok(())
}

/// Downloads a file; an interrupted connection is continued.
fn download(
    file: &ListedFile,
    temporary: &Path,
    options: &HubOptions,
    retry: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let folder = temporary.join("parquet").join(&file.folder);
    let token = options.token.as_deref();
    let path = with_retries(|| {
        let path = fetch_file_with_token(token, &file.remote, &folder, retry, progress);
        path.map_err(|error| match error.is_transient() {
            true => Failure::Transient(error),
            false => Failure::Permanent(error),
        })
    });
    path.map_err(Failure::into_inner)
}

/// Converts the Parquet file at `path`; `label` is the column of the labels, if chosen.
fn convert(
    path: &Path,
    tar: &Path,
    label: Option<&str>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), HubError> {
    let malformed = |problem: String| OpenError::malformed(path, problem);
    let file = File::open(path).map_err(|error| OpenError::unreadable(path, error))?;
    let table = Table::open(file, label).map_err(malformed)?;
    let classes = table.classes.as_deref();
    write_classes(path, &tar.with_file_name(CLASSES), classes)?;
    let (name, total) = (file_name(path), table.rows());
    let mut writer = Writer::new(tar)?;
    let mut done = 0;
    for sample in table.samples() {
        let (image, label) = sample.map_err(malformed)?;
        let row = done + 1;
        let classes = classes.map_or(usize::MAX, <[_]>::len);
        if label.parse().is_ok_and(|label: usize| label >= classes) {
            let problem =
                format!("row {row} has the label {label}, but there are {classes} class names");
            return Err(malformed(problem).into());
        }
        let extension = file_extension(image.data())
            .map_err(|found| malformed(format!("row {row} holds {found}")))?;
        let key = format!("{done:08}");
        writer.push(&key, extension, image.data(), &label, u64::MAX)?;
        done += 1;
        progress(Progress {
            file: &name,
            phase: Phase::Convert,
            done: done as u64,
            total: total as u64,
        });
    }
    if done != total {
        let problem = format!("truncated: {done} rows, the file states {total}");
        return Err(malformed(problem).into());
    }
    writer.finish(file_name(tar))?;
    Ok(())
}

/// Writes the class names of the Parquet file at `path` to `list`; all files must have the same.
fn write_classes(path: &Path, list: &Path, classes: Option<&[String]>) -> Result<(), HubError> {
    let Some(classes) = classes else {
        return Ok(());
    };
    let text: String = classes.iter().map(|class| format!("{class}\n")).collect();
    match fs::read_to_string(list) {
        Ok(stated) if stated == text => Ok(()),
        Ok(_) => {
            let problem = "has other class names than the files before it";
            Err(OpenError::malformed(path, problem).into())
        }
        Err(_) => Ok(write_atomic(list, text.as_bytes()).map_err(writing(list))?),
    }
}
