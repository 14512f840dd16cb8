//! The grid of a sweep: `--grid key=a,b` becomes the settings of every run, and a name for each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// More runs than anybody waits for; a slip of the keyboard makes them quickly.
const MOST: usize = 10_000;

/// One key and the values that it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Axis {
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// One run of the product: its folder's name and its assignments.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) set: Vec<String>,
}

/// Takes every `key=a,b` apart.
pub(super) fn parse(grid: &[String]) -> Result<Vec<Axis>, CliError> {
    let mut axes: Vec<Axis> = Vec::new();
    for text in grid {
        let wrong = |what: &str| CliError::Input(format!("--grid {text}: {what}"));
        let Some((key, values)) = text.split_once('=') else {
            return Err(wrong(
                "found no =, expected KEY=VALUE,VALUE, as in optimizer.lr=0.01,0.1",
            ));
        };
        let key = key.trim();
        let values = split(values);
        if key.is_empty() || values.iter().any(String::is_empty) {
            return Err(wrong(
                "found nothing where a key or value belongs, expected KEY=VALUE,VALUE",
            ));
        }
        if values.iter().collect::<BTreeSet<_>>().len() < values.len() {
            return Err(wrong("found a value twice, expected each once"));
        }
        if axes.iter().any(|axis| axis.key == key) {
            return Err(wrong(
                "the key has a --grid already, expected one with all its values",
            ));
        }
        axes.push(Axis {
            key: key.to_owned(),
            values,
        });
    }
    Ok(axes)
}

/// Cuts at the commas that stand in no brackets, braces or quotes.
fn split(values: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quote) = (0usize, None);
    for c in values.chars() {
        match (c, quote) {
            (',', None) if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// Every combination of the values; the last key changes fastest.
pub(super) fn points(axes: &[Axis]) -> Result<Vec<Point>, CliError> {
    let sizes = axes.iter().map(|axis| axis.values.len());
    let count = sizes.fold(1usize, usize::saturating_mul);
    if count > MOST {
        return Err(CliError::Input(format!(
            "the grid has {count} runs, expected at most {MOST}"
        )));
    }
    let mut product: Vec<Vec<&str>> = vec![Vec::new()];
    for axis in axes {
        let mut longer = Vec::new();
        for row in &product {
            longer.extend(axis.values.iter().map(|value| {
                let mut row = row.clone();
                row.push(value);
                row
            }));
        }
        product = longer;
    }
    let labels = labels(axes);
    let mut taken = BTreeSet::new();
    let points = product.into_iter().map(|values| {
        let parts = labels.iter().zip(&values);
        let parts = parts.map(|(label, value)| format!("{label}={}", plain(value)));
        let name = unique(parts.collect::<Vec<_>>().join(","), &mut taken);
        let set = axes.iter().zip(values);
        let set = set.map(|(axis, value)| format!("{}={value}", axis.key));
        Point {
            name,
            set: set.collect(),
        }
    });
    Ok(points.collect())
}

/// The last part of each key, where it tells the keys apart.
fn labels(axes: &[Axis]) -> Vec<&str> {
    let short = |axis: &'_ Axis| axis.key.rsplit('.').next().unwrap_or_default().to_owned();
    let labels = axes.iter().map(|axis| {
        let own = short(axis);
        let same = axes.iter().filter(|other| short(other) == own).count();
        match same {
            1 => axis.key.rsplit('.').next().unwrap_or(&axis.key),
            _ => axis.key.as_str(),
        }
    });
    labels.collect()
}

/// A value as part of a folder's name.
fn plain(value: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "._+-".contains(c);
    let text: String = value
        .chars()
        .map(|c| if kept(c) { c } else { '-' })
        .collect();
    text.trim_matches('-').chars().take(60).collect()
}

/// `name`, numbered where it is taken.
fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.clone();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}~{number}");
        number += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(grid: &[&str]) -> Result<Vec<Point>, CliError> {
        let grid: Vec<String> = grid.iter().map(|text| (*text).to_owned()).collect();
        points(&parse(&grid)?)
    }

    #[test]
    fn the_product_is_named_by_what_changes() {
        let points = of(&["optimizer.lr=0.01,0.1", "model.arch=lenet5, resnet20"]).expect("fine");
        let names: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "lr=0.01,arch=lenet5",
                "lr=0.01,arch=resnet20",
                "lr=0.1,arch=lenet5",
                "lr=0.1,arch=resnet20"
            ]
        );
        assert_eq!(points[1].set, ["optimizer.lr=0.01", "model.arch=resnet20"]);
    }

    #[test]
    fn commas_in_lists_and_texts_part_nothing() {
        let points = of(&["optimizer.betas=[0.9, 0.99],[0.9, 0.999]"]).expect("fine");
        assert_eq!(points.len(), 2);
        assert_eq!(points[0].set, ["optimizer.betas=[0.9, 0.99]"]);
        assert_eq!(points[0].name, "betas=0.9--0.99");
        assert_eq!(split("'a,b',c"), ["'a,b'", "c"]);
    }

    #[test]
    fn names_are_unique_and_folders() {
        let points = of(&["data.root=a/b,a b"]).expect("fine");
        assert_eq!(
            [&points[0].name, &points[1].name],
            ["root=a-b", "root=a-b~2"]
        );
        let points = of(&["optimizer.lr=1", "param_groups.lr=2"]).expect("fine");
        assert_eq!(points[0].name, "optimizer.lr=1,param_groups.lr=2");
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        for (grid, part) in [
            (["optimizer.lr", "a=1"], "found no ="),
            (["optimizer.lr=", "a=1"], "found nothing"),
            (["optimizer.lr=0.1,,0.2", "a=1"], "found nothing"),
            (["optimizer.lr=0.1,0.1", "a=1"], "found a value twice"),
            (["a=1", "a=2"], "has a --grid already"),
        ] {
            let message = of(&grid).expect_err("no grid").to_string();
            assert!(message.contains(part), "{message}");
        }
        let long = (0..101)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",");
        let [a, b] = ["a", "b"].map(|key| format!("{key}={long}"));
        let message = of(&[&a, &b]).expect_err("too many").to_string();
        assert!(message.contains("10201 runs"), "{message}");
    }
}
