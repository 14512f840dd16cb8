//! TOML files with the line of everything in them.

use std::ops::Range;

use toml::de::DeTable;

use super::Violation;

/// A TOML file.
pub(super) struct Document<'a> {
    pub(super) path: &'a str,
    text: &'a str,
    pub(super) table: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Reads `text`; what is no TOML is a violation.
    pub(super) fn parse(path: &'a str, text: &'a str) -> Result<Self, Violation> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                path,
                text,
                table: table.into_inner(),
            }),
            Err(error) => {
                let line = line_of(text, error.span().map_or(0, |span| span.start));
                let message = error.message().trim().replace('\n', "; ");
                Err(Violation::new(path, line, format!("not TOML: {message}")))
            }
        }
    }

    /// A violation where `span` starts.
    pub(super) fn violation(&self, span: &Range<usize>, what: impl Into<String>) -> Violation {
        Violation::new(self.path, line_of(self.text, span.start), what)
    }

    /// What is written behind `span` on its last line.
    pub(super) fn rest_of_line(&self, span: &Range<usize>) -> &'a str {
        self.text[span.end..].lines().next().unwrap_or_default()
    }

    /// The line above the one in which `span` starts.
    pub(super) fn line_above(&self, span: &Range<usize>) -> Option<&'a str> {
        let line = line_of(self.text, span.start);
        self.text.lines().nth(line.checked_sub(2)?)
    }

    /// The table under `keys`.
    pub(super) fn table_at(&self, keys: &[&str]) -> Option<&DeTable<'a>> {
        keys.iter().try_fold(&self.table, |table, key| {
            table.get(*key)?.get_ref().as_table()
        })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}
