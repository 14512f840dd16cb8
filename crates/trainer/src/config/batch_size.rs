//! Images of a batch: a number, or as many as the device's memory holds.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// `data.batch_size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// This many.
    Of(usize),
    /// `"auto"`: as many as fit. Whoever trains finds the number first; the run folder has it instead.
    Auto,
}

impl BatchSize {
    /// The number, once it is known.
    #[must_use]
    pub fn number(self) -> Option<usize> {
        match self {
            Self::Of(number) => Some(number),
            Self::Auto => None,
        }
    }

    /// The number; where nothing is trained, which [`Auto`](Self::Auto) is for, that of the default.
    pub(crate) fn or_default(self) -> usize {
        self.number().unwrap_or(DEFAULT)
    }
}

/// Images of a batch where the run file names none.
const DEFAULT: usize = 128;

impl Default for BatchSize {
    fn default() -> Self {
        Self::Of(DEFAULT)
    }
}

impl Serialize for BatchSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Of(number) => number.serialize(serializer),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = BatchSize;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a number of images or \"auto\"")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<BatchSize, E> {
                let number = usize::try_from(number);
                number.map(BatchSize::Of).map_err(|_| {
                    E::invalid_value(serde::de::Unexpected::Other("a negative number"), &self)
                })
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<BatchSize, E> {
                self.visit_i64(number as i64)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<BatchSize, E> {
                match text {
                    "auto" => Ok(BatchSize::Auto),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Section {
        batch_size: BatchSize,
    }

    #[test]
    fn a_number_and_auto_are_read_and_written() {
        for (text, batch_size) in [
            ("batch_size = 64\n", BatchSize::Of(64)),
            ("batch_size = \"auto\"\n", BatchSize::Auto),
        ] {
            let section: Section = toml::from_str(text).expect("valid");
            assert_eq!(section, Section { batch_size });
            assert_eq!(toml::to_string(&section).expect("TOML"), text);
        }
        for text in [
            "batch_size = \"all\"",
            "batch_size = -1",
            "batch_size = 0.5",
        ] {
            let error = toml::from_str::<Section>(text).expect_err("refused");
            let expected = "a number of images or \"auto\"";
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
