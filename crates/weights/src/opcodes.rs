//! The instructions of a pickle, one after another, as Python's `pickletools` lists them.

use std::collections::HashMap;
use std::io::{BufRead, Error, ErrorKind, Read, Result};

/// Longest name of a module or a class that is kept; none that a checkpoint needs is longer.
const LONGEST_NAME: u64 = 1024;

/// Adds the module and name of every class that the pickle names to `found`, and leaves `reader` behind its end.
///
/// # Errors
/// A pickle that ends too soon or has an unknown instruction, and a class whose name is not written where it is used:
/// Python writes it there always.
pub(super) fn names(reader: &mut impl BufRead, found: &mut Vec<(String, String)>) -> Result<()> {
    // Texts under the number that later instructions call them by.
    let mut memo: HashMap<u64, Option<String>> = HashMap::new();
    // The last two values put on the stack, while nothing else has happened since.
    let mut last: [Option<String>; 2] = [None, None];
    loop {
        let opcode = number(reader, 1)? as u8;
        let mut pushed = None;
        match opcode {
            b'.' => return Ok(()),
            // GLOBAL and INST: two lines.
            b'c' | b'i' => found.push((line(reader)?, line(reader)?)),
            // STACK_GLOBAL: the two texts on the stack.
            0x93 => match std::mem::take(&mut last) {
                [Some(module), Some(name)] => found.push((module, name)),
                _ => return Err(invalid("a class whose name is computed".to_owned())),
            },
            // The texts.
            // Python would read an escape in them; no name has one.
            b'V' | b'S' => {
                let line = line(reader)?;
                let name = line.trim_matches(['\'', '"']);
                pushed = (!name.contains('\\')).then(|| name.to_owned());
            }
            b'U' | 0x8c => pushed = text(reader, 1)?,
            b'T' | b'X' => pushed = text(reader, 4)?,
            0x8d => pushed = text(reader, 8)?,
            // The memo: PUT and GET with a decimal line, one byte, four bytes; MEMOIZE under the next number.
            b'p' | b'q' | b'r' | 0x94 => {
                let index = match opcode {
                    0x94 => memo.len() as u64,
                    _ => index(reader, opcode)?,
                };
                memo.insert(index, last[1].clone());
                continue;
            }
            b'g' | b'h' | b'j' => {
                let index = index(reader, opcode)?;
                pushed = memo.get(&index).cloned().flatten();
            }
            // PROTO and FRAME say how what follows is written, and do nothing.
            0x80 => {
                skip(reader, 1)?;
                continue;
            }
            0x95 => {
                skip(reader, 8)?;
                continue;
            }
            // Arguments of fixed length.
            b'K' | 0x82 => skip(reader, 1)?,
            b'M' | 0x83 => skip(reader, 2)?,
            b'J' | 0x84 => skip(reader, 4)?,
            b'G' => skip(reader, 8)?,
            // A line.
            b'I' | b'L' | b'F' | b'P' => drop(line(reader)?),
            // A length, then so many bytes.
            b'C' | 0x8a => skip_counted(reader, 1)?,
            b'B' | 0x8b => skip_counted(reader, 4)?,
            0x8e | 0x96 => skip_counted(reader, 8)?,
            // What takes no argument.
            b'('
            | b'0'
            | b'1'
            | b'2'
            | b'N'
            | b'R'
            | b'b'
            | b'd'
            | b'l'
            | b't'
            | b's'
            | b'a'
            | b')'
            | b'o'
            | b']'
            | b'}'
            | b'e'
            | b'u'
            | b'Q'
            | 0x81
            | 0x85..=0x89
            | 0x8f..=0x92
            | 0x97
            | 0x98 => {}
            other => {
                return Err(invalid(format!(
                    "an unknown pickle instruction {other:#04x}"
                )));
            }
        }
        last = [last[1].take(), pushed];
    }
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

/// A number of `width` bytes, the lowest first.
fn number(reader: &mut impl Read, width: usize) -> Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes[..width])?;
    Ok(u64::from_le_bytes(bytes))
}

fn skip(reader: &mut impl Read, length: u64) -> Result<()> {
    let skipped = std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    if skipped == length {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// Steps over as many bytes as the number of `width` bytes before them says.
fn skip_counted(reader: &mut impl Read, width: usize) -> Result<()> {
    let length = number(reader, width)?;
    skip(reader, length)
}

/// A text, its length in `width` bytes before it; nothing where it is too long to be a name.
fn text(reader: &mut impl Read, width: usize) -> Result<Option<String>> {
    let length = number(reader, width)?;
    if length > LONGEST_NAME {
        skip(reader, length)?;
        return Ok(None);
    }
    let mut bytes = vec![0; length as usize];
    reader.read_exact(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok())
}

/// The rest of a line, which ends in a line feed.
fn line(reader: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The number that a PUT or GET names.
fn index(reader: &mut impl BufRead, opcode: u8) -> Result<u64> {
    match opcode {
        b'p' | b'g' => {
            let line = line(reader)?;
            let number = line.trim().parse();
            number.map_err(|_| invalid(format!("a memo number {line:?}")))
        }
        b'q' | b'h' => number(reader, 1),
        _ => number(reader, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut pickle: &[u8]) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        names(&mut pickle, &mut found)?;
        assert!(pickle.is_empty(), "the end was not reached");
        Ok(found)
    }

    /// `os.system("x")`, thrown away, then an empty dictionary, in the words of each protocol.
    #[test]
    fn a_call_whose_result_is_thrown_away_is_found() {
        let os_system = [("os".to_owned(), "system".to_owned())];
        let pickles: [&[u8]; 4] = [
            b"cos\nsystem\n(S'x'\ntR0}.",
            b"(S'x'\nios\nsystem\n0}.",
            b"\x80\x02cos\nsystem\nq\x00X\x01\x00\x00\x00x\x85R0}.",
            b"\x80\x04\x95\x20\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94\x8c\x01x\x85R0}.",
        ];
        for pickle in pickles {
            assert_eq!(all(pickle).expect("a pickle"), os_system);
        }
    }

    #[test]
    fn names_come_from_the_memo_too() {
        let pickle = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940}\x940h\x00h\x01\x93.";
        assert_eq!(all(pickle).expect("a pickle")[0].1, "system");
    }

    #[test]
    fn a_name_that_hides_is_refused() {
        let escaped = b"\x80\x04V\\u006fs\nVsystem\n\x93.";
        assert!(all(escaped).is_err());
        // The stack has os.system, the last texts in the file are those of a harmless class.
        let pickle = b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x08argparse\x8c\x09Namespace00\x93.";
        let error = all(pickle).expect_err("hidden");
        assert!(error.to_string().contains("computed"), "{error}");
    }

    #[test]
    fn what_is_cut_or_unknown_is_refused() {
        let whole = b"\x80\x02cos\nsystem\nq\x00X\x01\x00\x00\x00x\x85R0}.";
        for length in 0..whole.len() {
            assert!(all(&whole[..length]).is_err(), "cut to {length} bytes");
        }
        assert!(all(b"\x80\x02\xff.").is_err());
        // A length that no file has costs no memory.
        assert!(all(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fx.").is_err());
    }
}
