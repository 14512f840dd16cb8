//! `zoo data pack`: a data set becomes tar shards.

use std::path::PathBuf;

use burn_zoo::datasets::{OpenOptions, PackError, PackOptions, pack};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use crate::error::CliError;
use crate::output::{Output, bytes, thousands};
use crate::progress::bar;

/// Pack a data set into tar shards in WebDataset's layout, which are read in sequence, from a folder or over HTTP
///
/// Image files are packed as they are, decoded sets as PNG, in random order. Each shard has an index beside it, so that
/// an image can be read by itself. An interrupted pack goes on where it stopped. Train on the shards with
/// `data.name = "shards"` and their folder or address as `data.root`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The data set, as `zoo data list` lists it.
    name: String,

    /// Folder for the shards.
    out: PathBuf,

    /// Folder of the data set [default: $BURN_ZOO_DATA, or data]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Most bytes of a shard, with a unit: 256MiB, 1GB.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    shard_size: u64,

    /// Which split to pack.
    #[arg(long, value_enum, default_value_t = Splits::Both)]
    split: Splits,

    /// Pack at most this many training images, in balance (glyphs: make this many).
    #[arg(long, value_name = "N")]
    train_size: Option<usize>,

    /// Pack at most this many validation images, likewise.
    #[arg(long, value_name = "N")]
    valid_size: Option<usize>,

    /// Seed of the order.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Splits {
    Both,
    Train,
    Valid,
}

pub(crate) fn run(args: &PackArgs, output: Output) -> Result<(), CliError> {
    let open = OpenOptions {
        root: args.root.clone(),
        train_size: args.train_size,
        valid_size: args.valid_size,
        ..OpenOptions::default()
    };
    let data = burn_zoo::open_data(&args.name, &open).map_err(CliError::input)?;
    let options = PackOptions {
        shard_bytes: args.shard_size,
        seed: args.seed,
        train: args.split != Splits::Valid,
        valid: args.split != Splits::Train,
    };
    let mut current: Option<(&str, ProgressBar)> = None;
    let packed = pack(&data, &args.out, &options, &mut |progress| {
        if current
            .as_ref()
            .is_none_or(|(split, _)| *split != progress.split)
        {
            let bar = bar(progress.total as u64, "images");
            bar.set_message(progress.split);
            current = Some((progress.split, bar));
        }
        if let Some((_, bar)) = &current {
            bar.set_position(progress.done as u64);
        }
    });
    if let Some((_, bar)) = current {
        bar.finish_and_clear();
    }
    let packed = packed.map_err(|error| match error {
        PackError::Write { .. } => CliError::Failed(error.to_string()),
        _ => CliError::input(error),
    })?;
    let document = json!({
        "folder": args.out, "shards": packed.shards, "samples": packed.samples, "bytes": packed.bytes
    });
    output.show(&document, || {
        format!(
            "{} images are in {} shards of {} in all, in {}",
            thousands(packed.samples as u64),
            packed.shards,
            bytes(packed.bytes),
            args.out.display()
        )
    })
}

/// A number of bytes with its unit.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err("expected a number of bytes, as 256MiB or 1GB".to_owned()),
    };
    let number: Option<u64> = text[..digits].parse().ok();
    let bytes = number.and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(bytes @ 1..) => Ok(bytes),
        _ => Err("expected a number of bytes above 0, as 256MiB or 1GB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("256MiB"), Ok(256 << 20));
        assert_eq!(size("1 GB"), Ok(1_000_000_000));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in [
            "",
            "0",
            "MiB",
            "12 parsecs",
            "99999999999GiB",
            "-1",
            "1.5GB",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
