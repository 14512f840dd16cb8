//! In which settings runs differ.

use toml::{Table, Value};

/// A setting that is not the same in all runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// The dotted key.
    pub(crate) key: String,
    /// Its value in each run; none where the run leaves it at its default.
    pub(crate) values: Vec<Option<String>>,
}

/// The settings in which the run files differ, by their keys. A run's own name is none.
pub(crate) fn differences(configs: &[&Table]) -> Vec<Difference> {
    let flat: Vec<Vec<(String, String)>> = configs.iter().map(|table| flatten(table)).collect();
    let mut keys: Vec<&String> = flat.iter().flatten().map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let rows = keys.into_iter().filter(|key| *key != "name").map(|key| {
        let value = |run: &Vec<(String, String)>| {
            let found = run.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone())
        };
        Difference {
            key: key.clone(),
            values: flat.iter().map(value).collect(),
        }
    });
    rows.filter(|row| row.values.iter().any(|value| *value != row.values[0]))
        .collect()
}

/// Every setting by its dotted key, as text.
fn flatten(table: &Table) -> Vec<(String, String)> {
    let settings = table.iter().flat_map(|(key, value)| match value {
        Value::Table(inner) => flatten(inner)
            .into_iter()
            .map(|(below, text)| (format!("{key}.{below}"), text))
            .collect(),
        Value::String(text) => vec![(key.clone(), text.clone())],
        other => vec![(key.clone(), other.to_string())],
    });
    settings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let a: Table = "name = 'a'\nseed = 1\n[optimizer]\nlr = 0.1\nkind = 'sgd'\nnesterov = true"
            .parse()
            .expect("TOML");
        let b: Table = "name = 'b'\nseed = 1\n[optimizer]\nlr = 0.05\nkind = 'sgd'"
            .parse()
            .expect("TOML");
        let row = |key: &str, values: [Option<&str>; 2]| Difference {
            key: key.to_owned(),
            values: values.map(|value| value.map(str::to_owned)).to_vec(),
        };
        assert_eq!(
            differences(&[&a, &b]),
            [
                row("optimizer.lr", [Some("0.1"), Some("0.05")]),
                row("optimizer.nesterov", [Some("true"), None]),
            ]
        );
        assert_eq!(differences(&[&a]), []);
    }
}
