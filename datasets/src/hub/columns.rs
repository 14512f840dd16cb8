//! The columns of a Parquet file that hold the images and their labels.
//!
//! Hugging Face's `datasets` writes the features of a data set into the file, under the key `huggingface`
//! (<https://huggingface.co/docs/datasets/about_dataset_features>). Without them the types of the columns decide: images are
//! a group with the field `bytes`, or a column of bytes that are not text, and the column of the labels is named `label`.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;

/// The columns of images and labels.
#[derive(Debug)]
pub(super) struct Columns {
    /// Schema of the two columns alone, the image first.
    pub(super) projection: Type,
    /// Class names, if the file states them.
    pub(super) classes: Option<Vec<String>>,
}

/// Finds the columns in `schema`; `features` is their description in the file, `label` the column of the labels, if chosen.
///
/// # Errors
/// A description of what is missing or ambiguous.
pub(super) fn columns(
    schema: &Type,
    features: Option<&str>,
    label: Option<&str>,
) -> Result<Columns, String> {
    let features = features.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let feature = |name: &str| features.as_ref()?.get("info")?.get("features")?.get(name);
    let kind = |column: &TypePtr| feature(column.name())?.get("_type")?.as_str();
    let all = schema.get_fields();
    let names: Vec<&str> = all.iter().map(|column| column.name()).collect();
    let names = names.join(", ");

    let stated: Vec<&TypePtr> = all
        .iter()
        .filter(|column| kind(column) == Some("Image"))
        .collect();
    let images = match stated.is_empty() {
        true => all.iter().filter(|column| holds_bytes(column)).collect(),
        false => stated,
    };
    let image = match images.as_slice() {
        [image] => bytes_of(image).ok_or_else(|| {
            format!(
                "the column \"{}\" holds paths or URLs instead of images",
                image.name()
            )
        })?,
        [] => return Err(format!("has no column of images (columns: {names})")),
        several => {
            let several: Vec<&str> = several.iter().map(|column| column.name()).collect();
            return Err(format!(
                "has several columns of images ({}): a set for classification has one",
                several.join(", ")
            ));
        }
    };

    let classes: Vec<&TypePtr> = all
        .iter()
        .filter(|column| kind(column) == Some("ClassLabel"))
        .collect();
    let called = |name: &str| all.iter().find(|column| column.name() == name);
    let labels = match (label, classes.as_slice()) {
        (Some(label), _) => {
            called(label).ok_or_else(|| format!("has no column \"{label}\" (columns: {names})"))?
        }
        (None, [only]) if called("label").is_none_or(|label| label.name() == only.name()) => only,
        (None, [only]) if called("label").is_some() => {
            return Err(format!(
                "has labels in the columns \"label\" and \"{}\": choose one of them with `--label COLUMN`",
                only.name()
            ));
        }
        (None, several) => called("label").ok_or_else(|| match several {
            [] => format!(
                "has no column \"label\": choose the column of the labels with `--label COLUMN` (columns: {names})"
            ),
            _ => {
                let several: Vec<&str> = several.iter().map(|column| column.name()).collect();
                format!(
                    "has several columns of labels: choose with --label one of {}",
                    several.join(", ")
                )
            }
        })?,
    };
    if !is_label(labels) {
        return Err(format!(
            "the column \"{}\" holds no labels: expected whole numbers or names",
            labels.name()
        ));
    }
    let names = feature(labels.name()).and_then(|feature| feature.get("names")?.as_array());
    let classes = names.map(|names| {
        let name =
            |(number, name): (usize, &Value)| class_name(number, name.as_str().unwrap_or_default());
        names.iter().enumerate().map(name).collect()
    });
    let projection = Type::group_type_builder(schema.name())
        .with_fields(vec![image, labels.clone()])
        .build();
    let projection = projection.map_err(|error| error.to_string())?;
    Ok(Columns {
        projection,
        classes,
    })
}

/// A class name without line breaks, since lists of classes have one per line; the index if the name is empty.
fn class_name(number: usize, name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.is_empty() {
        true => number.to_string(),
        false => words.join(" "),
    }
}

/// Whether a column without a description may hold images.
fn holds_bytes(column: &TypePtr) -> bool {
    match column.is_primitive() {
        true => bytes_of(column).is_some(),
        false => column
            .get_fields()
            .iter()
            .any(|field| field.name() == "bytes"),
    }
}

/// The column reduced to the bytes of the images, without their paths.
fn bytes_of(column: &TypePtr) -> Option<TypePtr> {
    if is_repeated(column) {
        return None;
    }
    if column.is_primitive() {
        let is_bytes = column.get_physical_type() == Physical::BYTE_ARRAY && !is_text(column);
        return is_bytes.then(|| column.clone());
    }
    let bytes = column
        .get_fields()
        .iter()
        .find(|field| field.name() == "bytes")?;
    if !bytes.is_primitive()
        || is_repeated(bytes)
        || bytes.get_physical_type() != Physical::BYTE_ARRAY
    {
        return None;
    }
    let info = column.get_basic_info();
    let group = Type::group_type_builder(column.name())
        .with_repetition(info.repetition())
        .with_fields(vec![bytes.clone()])
        .build();
    Some(Arc::new(group.ok()?))
}

fn is_label(column: &TypePtr) -> bool {
    !is_repeated(column)
        && column.is_primitive()
        && match column.get_physical_type() {
            Physical::INT32 | Physical::INT64 => true,
            Physical::BYTE_ARRAY => is_text(column),
            _ => false,
        }
}

fn is_repeated(column: &TypePtr) -> bool {
    column.get_basic_info().repetition() == Repetition::REPEATED
}

fn is_text(column: &TypePtr) -> bool {
    let info = column.get_basic_info();
    info.logical_type_ref() == Some(&LogicalType::String)
        || info.converted_type() == ConvertedType::UTF8
}
