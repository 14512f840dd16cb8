//! Standard output: the only place that writes there.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::error::CliError;

/// Headings of tables.
pub(crate) const HEADING: Style = Style::new().bold();

/// Where results go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are wanted as JSON: the dashboard keeps away then.
    #[cfg(feature = "tui")]
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Writes a result: `value` as JSON, or `text` (ANSI styles are stripped where there is no terminal).
    pub(crate) fn show<T: Serialize + ?Sized>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        let text = match self.json {
            true => serde_json::to_string_pretty(value).map_err(|error| {
                CliError::Failed(format!("cannot write the result as JSON: {error}"))
            })?,
            false => text(),
        };
        write_line(text.trim_end()).map_err(closed_or_failed)
    }

    /// The same on one line, for what goes on afterwards.
    #[cfg(feature = "remote")]
    pub(crate) fn show_line<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        let text = match self.json {
            true => serde_json::to_string(value).map_err(|error| {
                CliError::Failed(format!("cannot write the result as JSON: {error}"))
            })?,
            false => text(),
        };
        write_line(&text).map_err(closed_or_failed)
    }

    /// Says why a command failed: a sentence on standard error, and with `--json` a document on standard output.
    pub(crate) fn fail(self, failure: &CliError) -> ExitCode {
        let code = failure.exit_code();
        let message = failure.to_string();
        if failure.is_error() {
            complain(&message);
        } else {
            crate::progress::status(&message);
        }
        if self.json && !failure.is_reported() {
            let document = serde_json::json!({ "error": message, "exit_code": code });
            // A reader that has gone away has no use for the document, and the exit code stands.
            let _ = write_line(&document.to_string());
        }
        ExitCode::from(code)
    }
}

/// Ends a run whose arguments asked for help or the version, or could not be parsed.
pub(crate) fn finish_parse(answer: &clap::Error) -> ExitCode {
    let text = answer.render().ansi().to_string();
    if !answer.use_stderr() {
        return match write_line(text.trim_end()).map_err(closed_or_failed) {
            Ok(()) | Err(CliError::OutputClosed) => ExitCode::SUCCESS,
            Err(failure) => Output::new(false).fail(&failure),
        };
    }
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(anstream::stderr(), "{}", text.trim_end());
    if std::env::args_os().any(|argument| argument == "--json") {
        let message = answer.render().to_string();
        let message = message.trim().trim_start_matches("error: ");
        let document = serde_json::json!({ "error": message, "exit_code": 2 });
        let _ = write_line(&document.to_string());
    }
    ExitCode::from(2)
}

/// One red word, then the sentence, on standard error.
pub(crate) fn complain(message: &str) {
    let red = AnsiColor::Red.on_default().bold();
    // Standard error may be closed; the exit code still tells.
    let _ = writeln!(anstream::stderr(), "{red}error:{red:#} {message}");
}

fn write_line(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

fn closed_or_failed(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::OutputClosed,
        _ => CliError::Failed(format!("cannot write to standard output: {error}")),
    }
}

/// Bytes in the unit that keeps the number short.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| count >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", count as f64 / *unit as f64),
        None => format!("{count} B"),
    }
}

/// Lays out rows in columns; numbers are flush right.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    right: [bool; N],
    rows: &[[String; N]],
) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells
            .chain([headings[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: &[String; N]| {
        let padded = std::array::from_fn::<String, N, _>(|column| {
            let (cell, width) = (&cells[column], widths[column]);
            if right[column] {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        padded.join("  ").trim_end().to_owned()
    };
    let heading = format!("{HEADING}{}{HEADING:#}", line(&headings.map(str::to_owned)));
    let lines: Vec<String> = std::iter::once(heading)
        .chain(rows.iter().map(line))
        .collect();
    lines.join("\n")
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// `1813561344` as `1.814 G`.
pub(crate) fn short(value: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    match units.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => format!("{:.3} {name}", value as f64 / *unit as f64),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(25_557_032), "25,557,032");
        assert_eq!(short(1_813_561_344), "1.814 G");
        assert_eq!(short(416_520), "416.520 k");
        assert_eq!(short(12), "12");
    }

    #[test]
    fn columns_line_up_whatever_the_alphabet() {
        let rows = [["a".into(), "1".into()], ["×××".into(), "100".into()]];
        let table = table(["name", "n"], [false, true], &rows);
        let plain = anstream::adapter::strip_str(&table).to_string();
        assert_eq!(plain, "name    n\na       1\n×××   100");
    }
}
