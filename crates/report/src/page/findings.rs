//! The best epoch's validation: which classes are taken for which, and the worst mistakes.

use std::fmt::Write;

use crate::evaluation::{EvaluationRecord, Mistake};
use crate::text::thousands;

/// Up to so many classes the confusion matrix is a table with numbers.
const TABLE: usize = 20;
/// Pairs of classes that are named.
const PAIRS: usize = 12;
/// Shades of a matrix that is drawn.
const SHADES: usize = 6;

/// An [`EvaluationRecord`] as the template shows it.
pub(super) struct Findings {
    pub(super) epoch: usize,
    pub(super) samples: String,
    pub(super) top1: String,
    pub(super) loss: String,
    pub(super) calibration: String,
    /// Classes, scores as text.
    pub(super) classes: Vec<[String; 5]>,
    /// The matrix as a table.
    pub(super) rows: Option<Vec<Row>>,
    /// The matrix as an SVG.
    pub(super) heat: Option<String>,
    pub(super) pairs: Vec<[String; 3]>,
    pub(super) mistakes: Vec<MistakeView>,
}

/// A class's line of the matrix.
pub(super) struct Row {
    pub(super) class: String,
    pub(super) cells: Vec<Cell>,
}

/// Images of one class taken for one class.
pub(super) struct Cell {
    pub(super) count: usize,
    /// Fraction of the images of the class, in percent.
    pub(super) share: u32,
    pub(super) is_right: bool,
}

/// An image that was taken for something else.
pub(super) struct MistakeView {
    pub(super) image: String,
    pub(super) index: usize,
    pub(super) class: String,
    pub(super) predicted: String,
    pub(super) probability: String,
    pub(super) own: String,
}

impl Findings {
    pub(super) fn new(record: &EvaluationRecord) -> Self {
        let name = |class: usize| {
            let known = record.per_class.get(class);
            known.map_or(format!("class {class}"), |known| known.class.clone())
        };
        let is_small = record.confusion.len() <= TABLE;
        let classes = record.per_class.iter().map(|class| {
            let scores = &class.scores;
            let percent = |value: f64| format!("{value:.1}");
            [
                class.class.clone(),
                scores.samples.to_string(),
                percent(scores.precision),
                percent(scores.recall),
                percent(scores.f1),
            ]
        });
        Self {
            epoch: record.epoch,
            samples: thousands(record.samples as u64),
            top1: format!("{:.2}", record.scores.top1),
            loss: format!("{:.4}", record.scores.loss),
            calibration: format!("{:.2}", record.calibration_error),
            classes: classes.collect(),
            rows: is_small.then(|| rows(&record.confusion, &name)),
            heat: (!is_small).then(|| heat(&record.confusion)),
            pairs: pairs(&record.confusion, &name),
            mistakes: record
                .mistakes
                .iter()
                .map(|mistake| MistakeView::new(mistake, &name))
                .collect(),
        }
    }
}

impl MistakeView {
    fn new(mistake: &Mistake, name: &dyn Fn(usize) -> String) -> Self {
        Self {
            image: mistake.image.clone(),
            index: mistake.index,
            class: name(mistake.label),
            predicted: name(mistake.predicted),
            probability: percent(mistake.probability),
            own: percent(mistake.label_probability),
        }
    }
}

/// A probability in percent, the tiniest ones as powers of ten.
fn percent(probability: f64) -> String {
    match 100.0 * probability {
        tiny if tiny > 0.0 && tiny < 0.01 => format!("{tiny:.0e} %"),
        percent => format!("{percent:.2} %"),
    }
}

fn rows(confusion: &[Vec<usize>], name: &dyn Fn(usize) -> String) -> Vec<Row> {
    let rows = confusion.iter().enumerate().map(|(class, counts)| {
        let samples = counts.iter().sum::<usize>().max(1);
        let cells = counts.iter().enumerate().map(|(column, &count)| Cell {
            count,
            share: (100.0 * count as f64 / samples as f64).round() as u32,
            is_right: class == column,
        });
        Row {
            class: name(class),
            cells: cells.collect(),
        }
    });
    rows.collect()
}

/// The pairs that are confused most often, with the number of images.
fn pairs(confusion: &[Vec<usize>], name: &dyn Fn(usize) -> String) -> Vec<[String; 3]> {
    let mut wrong: Vec<(usize, usize, usize)> = Vec::new();
    for (row, counts) in confusion.iter().enumerate() {
        for (column, &count) in counts.iter().enumerate() {
            if count > 0 && row != column {
                wrong.push((count, row, column));
            }
        }
    }
    wrong.sort_by(|a, b| b.0.cmp(&a.0).then(a.cmp(b)));
    let most = wrong.into_iter().take(PAIRS);
    most.map(|(count, row, column)| [name(row), name(column), count.to_string()])
        .collect()
}

/// The matrix as squares of one unit; one path for each shade keeps it small.
fn heat(confusion: &[Vec<usize>]) -> String {
    let mut paths = vec![String::new(); SHADES];
    for (row, counts) in confusion.iter().enumerate() {
        let samples = counts.iter().sum::<usize>().max(1);
        for (column, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The root brings out what is rare.
            let shade = (count as f64 / samples as f64).sqrt() * SHADES as f64;
            let path = &mut paths[(shade.ceil() as usize).clamp(1, SHADES) - 1];
            write!(path, "M{column} {row}h1v1h-1z").expect("a string takes all");
        }
    }
    let side = confusion.len();
    let mut svg = format!(
        "<svg class=\"heat\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"confusion matrix\" shape-rendering=\"crispEdges\">"
    );
    for (shade, path) in paths
        .iter()
        .enumerate()
        .filter(|(_, path)| !path.is_empty())
    {
        let opacity = (shade + 1) as f64 / SHADES as f64;
        write!(svg, "<path fill-opacity=\"{opacity:.2}\" d=\"{path}\"/>")
            .expect("a string takes all");
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_named_most_frequent_first() {
        let confusion = [vec![5, 1, 0], vec![3, 9, 0], vec![0, 1, 7]];
        let name = |class: usize| format!("c{class}");
        let row = |texts: [&str; 3]| texts.map(str::to_owned);
        assert_eq!(
            pairs(&confusion, &name),
            [
                row(["c1", "c0", "3"]),
                row(["c0", "c1", "1"]),
                row(["c2", "c1", "1"])
            ]
        );
        let cells = &rows(&confusion, &name)[1].cells;
        assert_eq!([cells[0].share, cells[1].share], [25, 75]);
        assert!(cells[1].is_right && !cells[0].is_right);
    }

    #[test]
    fn a_drawn_matrix_has_a_square_for_every_count() {
        let svg = heat(&[vec![4, 0], vec![1, 3]]);
        assert!(svg.contains("viewBox=\"0 0 2 2\""));
        assert_eq!(svg.matches("h1v1h-1z").count(), 3);
        // All of a class, and the root of a quarter of one.
        assert!(
            svg.contains("<path fill-opacity=\"1.00\" d=\"M0 0h1v1h-1z"),
            "{svg}"
        );
        assert!(
            svg.contains("<path fill-opacity=\"0.50\" d=\"M0 1h1v1h-1z\""),
            "{svg}"
        );
    }

    #[test]
    fn probabilities_keep_what_is_tiny() {
        assert_eq!(
            [0.98764, 0.0, 1e-7].map(percent),
            ["98.76 %", "0.00 %", "1e-5 %"]
        );
    }
}
