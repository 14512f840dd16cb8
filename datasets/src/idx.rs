//! The IDX format of MNIST: a magic number, the dimensions, then bytes; plain or gzipped.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use crate::error::OpenError;

/// An IDX file of unsigned bytes with `D` dimensions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Idx<const D: usize> {
    pub(crate) dims: [usize; D],
    pub(crate) bytes: Vec<u8>,
}

/// Reads an IDX file; gzip is detected by its content.
pub(crate) fn read<const D: usize>(path: &Path) -> Result<Idx<D>, OpenError> {
    let unreadable = |source| OpenError::unreadable(path, source);
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let gzipped = std::io::BufRead::fill_buf(&mut file)
        .map_err(unreadable)?
        .starts_with(&[0x1f, 0x8b]);
    if gzipped {
        parse(&mut GzDecoder::new(file), path, " once decompressed")
    } else {
        parse(&mut file, path, "")
    }
}

/// Parses the content of an IDX file; `state` is added to messages if the content was decompressed.
pub(crate) fn parse<const D: usize>(
    reader: &mut impl Read,
    path: &Path,
    state: &str,
) -> Result<Idx<D>, OpenError> {
    let header_length = 4 + 4 * D;
    let header = take(reader, header_length, path)?;
    // The magic number is checked first, so that a file of another format is not called truncated.
    let expected = [0, 0, 8, D as u8];
    let magic = &header[..header.len().min(4)];
    if !expected.starts_with(magic) {
        return Err(OpenError::malformed(
            path,
            format!(
                "not an IDX file of bytes with {D} dimensions: begins with {magic:02x?}, expected {expected:02x?}"
            ),
        ));
    }
    if header.len() < header_length {
        let found = header.len();
        return Err(OpenError::malformed(
            path,
            format!("truncated: the header has {header_length} bytes, found {found}{state}"),
        ));
    }
    let dims: [usize; D] = std::array::from_fn(|i| {
        let at = 4 + 4 * i;
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    });
    let length = dims
        .iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim));
    let Some(length) = length.filter(|&length| length < 1 << 40) else {
        return Err(OpenError::malformed(
            path,
            format!("damaged: the header gives the dimensions {dims:?}"),
        ));
    };
    let bytes = take(reader, length, path)?;
    if bytes.len() < length {
        let (whole, found) = (header_length + length, header_length + bytes.len());
        return Err(OpenError::malformed(
            path,
            format!("truncated: the dimensions {dims:?} need {whole} bytes, found {found}{state}"),
        ));
    }
    if !take(reader, 1, path)?.is_empty() {
        let whole = header_length + length;
        return Err(OpenError::malformed(
            path,
            format!("too long: the dimensions {dims:?} need {whole} bytes, found more{state}"),
        ));
    }
    Ok(Idx { dims, bytes })
}

/// Up to `length` bytes. Memory grows with the content, whatever the header states.
fn take(reader: &mut impl Read, length: usize, path: &Path) -> Result<Vec<u8>, OpenError> {
    let mut bytes = Vec::new();
    match reader.take(length as u64).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        // A truncated gzip stream; the caller reports how much is missing.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(bytes),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData
            ) =>
        {
            Err(OpenError::malformed(path, format!("damaged gzip: {error}")))
        }
        Err(error) => Err(OpenError::unreadable(path, error)),
    }
}
