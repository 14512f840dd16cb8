//! Any folder of images with one folder per class: `{train,val}/<class>/…` as in ImageNet, or `<class>/…`, of which a
//! random fraction becomes the validation split.
//!
//! Class names are the folder names, sorted. A file is an image by its extension; a damaged image is found when its sample is
//! loaded, and refused or skipped there.

use std::path::Path;

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::file_list::FileList;
use crate::open::{LoadedSplits, OpenOptions, info_for_any_size};
use crate::scan::{EXTENSIONS, class_folders, images};
use crate::subset::LabelledSplit;

/// Names of a validation folder, in order of preference.
const VALID: [&str; 4] = ["val", "valid", "validation", "test"];
/// Class names shown before "and more".
const SHOWN: usize = 5;

/// Opens the data set in `root`.
pub(crate) fn open(root: &Path, options: &OpenOptions) -> Result<LoadedSplits, OpenError> {
    if !root.is_dir() {
        return Err(OpenError::Missing {
            name: DatasetName::ImageFolder,
            wanted: "{train,val}/<class>/<images> or <class>/<images>".into(),
            places: vec![root.to_owned()],
            advice: "Name the folder of your images with `--root DIR` (`--set data.root=DIR` when training)"
                .into(),
        });
    }
    let train_folder = root.join("train");
    let valid_folder = VALID
        .iter()
        .map(|name| root.join(name))
        .find(|folder| folder.is_dir());
    let split = |folder: &Path| {
        let (all, classes) = scan(folder)?;
        let (train, valid) = all.stratified_split(options.valid_fraction, options.seed)?;
        Ok::<_, OpenError>((train, valid, classes))
    };
    let (train, valid, classes) = match (train_folder.is_dir(), valid_folder) {
        (true, Some(valid_folder)) => {
            let (train, classes) = scan(&train_folder)?;
            let (valid, valid_classes) = scan(&valid_folder)?;
            let only = ["only in the first", "only in the second"];
            if let Some(difference) = difference(&classes, &valid_classes, only) {
                return Err(OpenError::Classes {
                    train: train_folder,
                    valid: valid_folder,
                    difference,
                });
            }
            (train, valid, classes)
        }
        (true, None) => split(&train_folder)?,
        (false, Some(valid_folder)) => {
            let problem = format!(
                "has {} but no train folder beside it",
                valid_folder.display()
            );
            return Err(OpenError::malformed(root, problem));
        }
        (false, None) => split(root)?,
    };
    Ok(LoadedSplits {
        train,
        valid,
        info: info_for_any_size(DatasetName::ImageFolder, classes),
    })
}

/// The images in `folder`, and the class names.
fn scan(folder: &Path) -> Result<(LabelledSplit, Vec<String>), OpenError> {
    let (mut files, mut classes, mut empty) = (FileList::default(), Vec::new(), None);
    for (label, (class, class_folder)) in class_folders(folder)?.into_iter().enumerate() {
        let paths = images(&class_folder)?;
        if paths.is_empty() {
            empty.get_or_insert(class_folder);
        }
        files.extend(paths, label);
        classes.push(class);
    }
    let extensions = EXTENSIONS.join(", ");
    let malformed = |problem: String| Err(OpenError::malformed(folder, problem));
    match (classes.as_slice(), empty) {
        _ if files.paths.is_empty() => malformed(format!(
            "holds 0 images in {} class folders: expected <class>/<images> ({extensions})",
            classes.len()
        )),
        ([class], _) => malformed(format!(
            "holds one class folder, \"{class}\": expected at least two (is the root one level too high?)"
        )),
        (_, Some(empty)) => Err(OpenError::malformed(
            &empty,
            format!("a class without images ({extensions}): fill or remove the folder"),
        )),
        _ => Ok((LabelledSplit::new(files.labels.clone(), files), classes)),
    }
}

/// The names that only one of two lists has, each introduced by its text in `only`; none if the lists have the same names.
pub(crate) fn difference<A: AsRef<str>, B: AsRef<str>>(
    first: &[A],
    second: &[B],
    only: [&str; 2],
) -> Option<String> {
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    let second: Vec<&str> = second.iter().map(AsRef::as_ref).collect();
    let parts = [(&first, &second), (&second, &first)].map(|(names, others)| {
        let extra = names.iter().filter(|name| !others.contains(name));
        extra.map(|name| format!("\"{name}\"")).collect::<Vec<_>>()
    });
    let parts = parts
        .iter()
        .zip(only)
        .filter(|(extra, _)| !extra.is_empty());
    let parts: Vec<String> = parts
        .map(|(extra, only)| format!("{only}: {}", shown(extra, SHOWN)))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The first `most` names as a list, and how many more there are.
pub(crate) fn shown(names: &[String], most: usize) -> String {
    let first = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
