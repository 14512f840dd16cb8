//! Indexing a tar file by its headers, with one seek per file in it.
//!
//! As in WebDataset, files in sequence whose names are equal up to the first dot are one sample: `000000.jpg`, `000000.cls`.
//! A sample has one image and its label: a `.cls` with a number or a class name, or a `.json` with such a `label` or `cls`.
//! A sample without an image is ignored.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::HEADER;
use super::index::{Entry, Index};
use crate::error::OpenError;
use crate::scan::EXTENSIONS;

/// Most bytes of a file that holds a label.
const LABEL_BYTES: u64 = 1 << 20;

/// Indexes the shard at `path`.
pub(crate) fn index_file(path: &Path) -> Result<Index, OpenError> {
    let unreadable = |source| OpenError::unreadable(path, source);
    let file = File::open(path).map_err(unreadable)?;
    let tar_bytes = file.metadata().map_err(unreadable)?.len();
    index_of(file, tar_bytes).map_err(|problem| OpenError::malformed(path, problem))
}

/// A file in a shard, with its label where it is one.
struct Member {
    key: String,
    extension: String,
    entry: Entry,
}

/// The index of a tar file of `tar_bytes` bytes.
///
/// # Errors
/// A description of what is wrong with it.
pub(crate) fn index_of(mut tar: impl Read + Seek, tar_bytes: u64) -> Result<Index, String> {
    let (mut entries, mut sample) = (Vec::new(), Vec::<Member>::new());
    let mut end = 0;
    let mut archive = tar::Archive::new(&mut tar);
    let members = archive
        .entries_with_seek()
        .map_err(|error| damaged(&error))?;
    for member in members {
        let mut member = member.map_err(|error| damaged(&error))?;
        let (offset, length) = (member.raw_file_position(), member.size());
        let stop = offset.checked_add(length).filter(|stop| *stop <= tar_bytes);
        let path = member.path_bytes();
        let name = std::str::from_utf8(&path);
        let name = name.map_err(|_| "a name in it is not UTF-8 text".to_owned())?;
        let name = name.to_owned();
        let Some(stop) = stop else {
            return Err(format!(
                "truncated: \"{name}\" takes {length} bytes from {offset} on, the file has {tar_bytes}"
            ));
        };
        end = stop;
        if !member.header().entry_type().is_file() {
            continue;
        }
        let Some((key, extension)) = split(&name) else {
            continue;
        };
        if name.contains(['\t', '\n', '\r']) {
            return Err(format!("the name {name:?} holds a tab or a line break"));
        }
        let label = match extension.as_str() {
            "cls" | "json" => {
                let mut text = String::new();
                let read = (&mut member).take(LABEL_BYTES).read_to_string(&mut text);
                read.map_err(|error| format!("\"{name}\" cannot be read as text: {error}"))?;
                label(&extension, &text).map_err(|problem| format!("\"{name}\" {problem}"))?
            }
            _ => None,
        };
        if sample.first().is_some_and(|first| first.key != key) {
            entries.extend(finish(std::mem::take(&mut sample))?);
        }
        sample.push(Member {
            key,
            extension,
            entry: Entry {
                offset,
                length,
                label: label.unwrap_or_default(),
                name,
            },
        });
    }
    // A tar file ends with zeros. One that is truncated between two members would otherwise seem complete.
    let padded = end.next_multiple_of(HEADER);
    let mut zeros = [1; HEADER as usize];
    let ended = tar
        .seek(SeekFrom::Start(padded))
        .and_then(|_| tar.read_exact(&mut zeros));
    if tar_bytes == 0 || ended.is_err() || zeros.iter().any(|&byte| byte != 0) {
        return Err(format!(
            "truncated: no end-of-archive mark after {padded} bytes"
        ));
    }
    entries.extend(finish(sample)?);
    if entries.is_empty() {
        return Err(format!(
            "holds no images ({}): expected samples as 000000.jpg with 000000.cls",
            EXTENSIONS.join(", ")
        ));
    }
    Ok(Index { tar_bytes, entries })
}

fn damaged(error: &std::io::Error) -> String {
    format!("a damaged tar file: {error}")
}

/// Key of the sample that a file belongs to, and its extension in lower case.
fn split(name: &str) -> Option<(String, String)> {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = start + name[start..].find('.')?;
    // Hidden files, such as those of macOS.
    if dot == start {
        return None;
    }
    Some((name[..dot].to_owned(), name[dot + 1..].to_ascii_lowercase()))
}

fn label(extension: &str, text: &str) -> Result<Option<String>, String> {
    let label = match extension {
        "cls" => Some(text.trim().to_owned()),
        _ => {
            let json: Value =
                serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
            let value = json.get("label").or_else(|| json.get("cls"));
            match value {
                Some(Value::String(name)) => Some(name.trim().to_owned()),
                Some(Value::Number(number)) if number.is_u64() => Some(number.to_string()),
                Some(other) => {
                    return Err(format!(
                        "has the label {other}: expected a number or a class's name"
                    ));
                }
                None => None,
            }
        }
    };
    match label {
        Some(label) if label.is_empty() || label.contains(['\t', '\n', '\r']) => Err(format!(
            "has the label {label:?}: expected a number or a class's name in one line"
        )),
        label => Ok(label),
    }
}

/// The image of a sample with its label.
fn finish(sample: Vec<Member>) -> Result<Option<Entry>, String> {
    let label = sample
        .iter()
        .map(|member| &member.entry.label)
        .find(|label| !label.is_empty())
        .cloned();
    let mut images = sample.into_iter().filter(|member| {
        let last = member.extension.rsplit('.').next().unwrap_or_default();
        EXTENSIONS.contains(&last)
    });
    let Some(image) = images.next() else {
        return Ok(None);
    };
    if let Some(second) = images.next() {
        return Err(format!(
            "\"{}\" and \"{}\" are two images of one sample",
            image.entry.name, second.entry.name
        ));
    }
    match label {
        Some(label) => Ok(Some(Entry {
            label,
            ..image.entry
        })),
        None => Err(format!(
            "\"{}\" has no label: expected \"{}.cls\" or a .json with a \"label\" beside it",
            image.entry.name, image.key
        )),
    }
}
