//! Parquet files to tar files, one for each, in their order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use burn_zoo_data::file_extension;

use super::listing::{File as Listed, Listing, closed};
use super::table::Table;
use super::{HubError, HubOptions, HubSet};
use crate::error::OpenError;
use crate::fetch::{FetchError, Phase, Progress, fetch_file_as};
use crate::http::{Failure, patiently};
use crate::scan::file_name;
use crate::shards::{CLASSES, Writer, write_whole, writing};

/// Makes a tar file in `tars` of every file of `listing`, and the list of classes; those that are there stay.
pub(super) fn all(
    set: &HubSet,
    listing: &Listing,
    aside: &Path,
    tars: &Path,
    options: &HubOptions,
    again: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), HubError> {
    fs::create_dir_all(tars).map_err(writing(tars))?;
    for (split, files) in [("train", &listing.train), ("val", &listing.valid)] {
        for (number, file) in files.iter().enumerate() {
            let tar = tars.join(format!("{split}-{number:06}.tar"));
            // Its index is the last that is written of it.
            if tar.is_file() && tar.with_extension("tar.index").is_file() {
                continue;
            }
            let path = bring(file, aside, options, again, progress);
            // Who may see the list may not have the files.
            let path = path.map_err(|error| match error.is_closed() {
                true => HubError::Set {
                    set: set.clone(),
                    problem: closed(set, options),
                },
                false => error.into(),
            })?;
            let convert = Conversion {
                path: &path,
                tar: &tar,
                label: options.label.as_deref(),
            };
            convert.run(progress)?;
            fs::remove_file(&path).map_err(writing(&path))?;
        }
    }
    Ok(())
}

/// Downloads a file; a connection that ends is taken up again.
fn bring(
    file: &Listed,
    aside: &Path,
    options: &HubOptions,
    again: &str,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, FetchError> {
    let folder = aside.join("parquet").join(&file.folder);
    let token = options.token.as_deref();
    let fetched = patiently(|| {
        let fetched = fetch_file_as(token, &file.remote, &folder, again, progress);
        fetched.map_err(|error| match error.is_passing() {
            true => Failure::Passing(error),
            false => Failure::Lasting(error),
        })
    });
    fetched.map_err(Failure::into_inner)
}

/// A Parquet file on its way into a tar file.
struct Conversion<'a> {
    path: &'a Path,
    tar: &'a Path,
    label: Option<&'a str>,
}

impl Conversion<'_> {
    fn run(&self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), HubError> {
        let damaged = |problem: String| OpenError::malformed(self.path, problem);
        let unreadable = |error| OpenError::unreadable(self.path, error);
        let file = File::open(self.path).map_err(unreadable)?;
        let table = Table::open(file, self.label).map_err(damaged)?;
        self.state_classes(table.classes.as_deref())?;
        let (name, total) = (file_name(self.path), table.rows());
        let mut tar = Writer::new(self.tar)?;
        let mut done = 0;
        for sample in table.samples() {
            let (image, label) = sample.map_err(damaged)?;
            let classes = table.classes.as_ref().map_or(usize::MAX, Vec::len);
            if label.parse().is_ok_and(|label: usize| label >= classes) {
                let problem = format!(
                    "row {} has the label {label}, it names {classes} classes",
                    done + 1
                );
                return Err(damaged(problem).into());
            }
            let ending = file_extension(image.data())
                .map_err(|found| damaged(format!("row {} holds {found}", done + 1)))?;
            tar.push(
                &format!("{done:08}"),
                ending,
                image.data(),
                &label,
                u64::MAX,
            )?;
            done += 1;
            progress(Progress {
                file: &name,
                phase: Phase::Convert,
                done: done as u64,
                total: total as u64,
            });
        }
        if done != total {
            return Err(damaged(format!("truncated: {done} rows, it states {total}")).into());
        }
        tar.finish(file_name(self.tar))?;
        Ok(())
    }

    /// Writes the names of the classes for the reader of the tar files; all files must state the same.
    fn state_classes(&self, classes: Option<&[String]>) -> Result<(), HubError> {
        let Some(classes) = classes else {
            return Ok(());
        };
        let text: String = classes.iter().map(|class| format!("{class}\n")).collect();
        let path = self.tar.with_file_name(CLASSES);
        match fs::read_to_string(&path) {
            Ok(stated) if stated == text => Ok(()),
            Ok(_) => Err(OpenError::malformed(
                self.path,
                "states other classes than the files before it",
            )
            .into()),
            Err(_) => Ok(write_whole(&path, text.as_bytes()).map_err(writing(&path))?),
        }
    }
}
