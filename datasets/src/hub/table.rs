//! Images and labels of a Parquet file, row by row.

use std::sync::Arc;

use burn_zoo_data::catch_panics;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::record::{Field, Row};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor};

use super::columns::columns;

/// Rows read at a time; a page of images stays in memory meanwhile.
const ROWS: usize = 16;

/// A Parquet file of images and labels.
pub(crate) struct Table<R: ChunkReader + 'static> {
    reader: SerializedFileReader<R>,
    /// Schema of the two columns.
    schema: SchemaDescPtr,
    /// Class names, if the file states them.
    pub(crate) classes: Option<Vec<String>>,
}

/// An image file and its label: a class index or a class name.
pub(crate) type Sample = (ByteArray, String);

impl<R: ChunkReader + 'static> Table<R> {
    /// Reads the footer of a file; `label` is the column of the labels, if chosen.
    ///
    /// # Errors
    /// A description of what is wrong with it.
    pub(crate) fn open(file: R, label: Option<&str>) -> Result<Self, String> {
        let reader = parquet(|| SerializedFileReader::new(file))?;
        let about = reader.metadata().file_metadata();
        let features = about.key_value_metadata().and_then(|pairs| {
            let pair = pairs.iter().find(|pair| pair.key == "huggingface")?;
            pair.value.as_deref()
        });
        let columns = columns(about.schema(), features, label)?;
        Ok(Self {
            schema: Arc::new(SchemaDescriptor::new(Arc::new(columns.projection))),
            classes: columns.classes,
            reader,
        })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        let rows = self.reader.metadata().file_metadata().num_rows();
        usize::try_from(rows).unwrap_or(0)
    }

    /// The rows in order; an error is a description of what is wrong.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Result<Sample, String>> {
        let groups = 0..self.reader.num_row_groups();
        let mut row = 0;
        groups
            .flat_map(move |group| self.group(group))
            .map(move |sample| {
                row += 1;
                sample.map_err(|problem| format!("row {row} {problem}"))
            })
    }

    /// The rows of a row group, up to the first error.
    fn group(&self, number: usize) -> impl Iterator<Item = Result<Sample, String>> {
        let open = || -> Result<ReaderIter, ParquetError> {
            let group = self.reader.get_row_group(number)?;
            let builder = TreeBuilder::new().with_batch_size(ROWS);
            builder.as_iter(self.schema.clone(), &*group)
        };
        let (mut rows, mut failed) = match parquet(open) {
            Ok(rows) => (Some(rows), None),
            Err(problem) => (None, Some(problem)),
        };
        std::iter::from_fn(move || {
            if let Some(problem) = failed.take() {
                return Some(Err(problem));
            }
            let row = match parquet(|| rows.as_mut().and_then(Iterator::next).transpose()) {
                Ok(row) => row?,
                Err(problem) => {
                    rows = None;
                    return Some(Err(problem));
                }
            };
            Some(sample(row))
        })
    }
}

/// Calls the Parquet library, and turns its panics into errors.
fn parquet<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    let reason = match catch_panics(read) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic,
    };
    Err(format!("is damaged: {reason}"))
}

fn sample(row: Row) -> Result<Sample, String> {
    let mut fields = row.into_columns().into_iter().map(|(_, field)| field);
    let image = match fields.next() {
        Some(Field::Group(group)) => group.into_columns().pop().map(|(_, field)| field),
        other => other,
    };
    let image = match image {
        Some(Field::Bytes(bytes)) => bytes,
        _ => return Err("holds no image".to_owned()),
    };
    let number = match fields.next() {
        Some(Field::Str(name)) if !name.trim().is_empty() => {
            let words: Vec<&str> = name.split_whitespace().collect();
            return Ok((image, words.join(" ")));
        }
        Some(Field::Byte(number)) => number.into(),
        Some(Field::Short(number)) => number.into(),
        Some(Field::Int(number)) => number.into(),
        Some(Field::Long(number)) => number,
        Some(Field::UByte(number)) => number.into(),
        Some(Field::UShort(number)) => number.into(),
        Some(Field::UInt(number)) => number.into(),
        Some(Field::ULong(number)) => i64::try_from(number).unwrap_or(-1),
        _ => return Err("has no label".to_owned()),
    };
    match number {
        0.. => Ok((image, number.to_string())),
        _ => Err(format!(
            "has the label {number}, which is not a class: the labels of this split are not published"
        )),
    }
}
