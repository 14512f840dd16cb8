//! Any folder of images with one folder per class: `{train,val}/<class>/…` as ImageNet has it, or `<class>/…` of which a
//! seeded part validates.
//!
//! Classes are the folder names in sorted order. A file counts by its ending; one that holds no image is met when it
//! is loaded, and refused or skipped there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset_name::DatasetName;
use crate::error::OpenError;
use crate::file_list::FileList;
use crate::open::{LoadedSplits, OpenOptions, info_for_any_size};
use crate::scan::{EXTENSIONS, class_folders, images};
use crate::subset::{LabelledSplit, ONE_IMAGE_PER_CLASS, stratified_split};

/// Names that a validation folder may have, best first.
const VALID: [&str; 4] = ["val", "valid", "validation", "test"];

/// Opens the set in `root`.
pub(crate) fn open(root: &Path, options: &OpenOptions) -> Result<LoadedSplits, OpenError> {
    if !root.is_dir() {
        return Err(OpenError::Missing {
            name: DatasetName::ImageFolder,
            wanted: "{train,val}/<class>/<images> or <class>/<images>".into(),
            places: vec![root.to_owned()],
            advice: "Name the folder of your images as `root`".into(),
        });
    }
    let train_folder = root.join("train");
    let valid_folder = VALID
        .iter()
        .map(|name| root.join(name))
        .find(|folder| folder.is_dir());
    let (train, valid, classes) = match (train_folder.is_dir(), valid_folder) {
        (true, Some(valid_folder)) => {
            let (train, classes) = scan(&train_folder)?;
            let (valid, valid_classes) = scan(&valid_folder)?;
            if let Some(difference) = difference(
                &classes,
                "only in the first",
                &valid_classes,
                "only in the second",
            ) {
                return Err(OpenError::Classes {
                    train: train_folder,
                    valid: valid_folder,
                    difference,
                });
            }
            (train, valid, classes)
        }
        (true, None) => split(&train_folder, options)?,
        (false, Some(valid_folder)) => {
            return Err(OpenError::malformed(
                root,
                format!(
                    "has {} but no train folder beside it",
                    valid_folder.display()
                ),
            ));
        }
        (false, None) => split(root, options)?,
    };
    let info = info_for_any_size(DatasetName::ImageFolder, classes);
    Ok(LoadedSplits {
        train: labelled(train),
        valid: labelled(valid),
        info,
    })
}

/// The images of every class in `folder`, and the names of the classes.
fn scan(folder: &Path) -> Result<(FileList, Vec<String>), OpenError> {
    let (mut files, mut classes, mut empty) =
        (FileList::default(), Vec::new(), Vec::<PathBuf>::new());
    for (label, (class, class_folder)) in class_folders(folder)?.into_iter().enumerate() {
        let paths = images(&class_folder)?;
        if paths.is_empty() {
            empty.push(class_folder);
        }
        for path in paths {
            files.push(path, label);
        }
        classes.push(class);
    }
    let endings = EXTENSIONS.join(", ");
    match classes.as_slice() {
        _ if files.paths.is_empty() => Err(OpenError::malformed(
            folder,
            format!(
                "holds 0 images in {} class folders: expected <class>/<images> ({endings})",
                classes.len()
            ),
        )),
        [class] => Err(OpenError::malformed(
            folder,
            format!(
                "holds one class folder, \"{class}\": expected at least two (is the root one level too high?)"
            ),
        )),
        _ if !empty.is_empty() => Err(OpenError::malformed(
            &empty[0],
            format!("a class without images ({endings}): fill or remove the folder"),
        )),
        _ => Ok((files, classes)),
    }
}

/// The images of `folder`, of which a fraction of each class validates.
fn split(
    folder: &Path,
    options: &OpenOptions,
) -> Result<(FileList, FileList, Vec<String>), OpenError> {
    let (files, classes) = scan(folder)?;
    let (train, valid) = stratified_split(&files.labels, options.valid_fraction, options.seed)?;
    if valid.is_empty() {
        return Err(OpenError::malformed(folder, ONE_IMAGE_PER_CLASS));
    }
    let pick = |indices: Vec<usize>| {
        let mut part = FileList::default();
        for index in indices {
            part.push(files.paths[index].clone(), files.labels[index]);
        }
        part
    };
    Ok((pick(train), pick(valid), classes))
}

/// What distinguishes two sets of names, in words; nothing where they are the same.
pub(crate) fn difference<A: AsRef<str>, B: AsRef<str>>(
    first: &[A],
    only_first: &str,
    second: &[B],
    only_second: &str,
) -> Option<String> {
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    let second: Vec<&str> = second.iter().map(AsRef::as_ref).collect();
    let without = |names: &[&str], others: &[&str], what: &str| {
        let extra: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !others.contains(name))
            .collect();
        let more = if extra.len() > SHOWN {
            format!(" and {} more", extra.len() - SHOWN)
        } else {
            String::new()
        };
        let shown = extra
            .iter()
            .take(SHOWN)
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(", ");
        (!extra.is_empty()).then(|| format!("{what}: {shown}{more}"))
    };
    let parts: Vec<String> = [
        without(&first, &second, only_first),
        without(&second, &first, only_second),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Names shown before "and more".
const SHOWN: usize = 5;

fn labelled(files: FileList) -> LabelledSplit {
    let labels = files.labels.clone();
    LabelledSplit::new(Arc::new(files), labels)
}
