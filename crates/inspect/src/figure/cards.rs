//! The cards of the main row: one layer, a residual unit, or a module in miniature.

use super::blocks::{Block, Shortcut, Stage};
use super::canvas::{Anchor, Canvas, INK, LINE, SKIP, bold, colours, muted, plain};
use super::unit::{Kind, Unit};

/// Height of the image at the start and of the classes at the end.
const PILL: f64 = 64.0;
/// Height of a card that holds one layer, and the least of the others.
const LOW: f64 = 122.0;
/// Height of a layer inside a residual unit, and from one to the next.
const CHIP: [f64; 2] = [34.0, 48.0];
const CHIP_WIDTH: f64 = 122.0;
const PAD: f64 = 14.0;

/// Width and height of a stage's card.
pub(super) fn size(stage: &Stage) -> [f64; 2] {
    match &stage.block {
        Block::Unit(unit) => {
            let letters = lines(unit).iter().map(|line| line.chars().count()).max();
            [(letters.unwrap_or(0) as f64 * 8.0 + 20.0).max(104.0), LOW]
        }
        Block::Residual { body, shortcut } => {
            let beside = match shortcut {
                Shortcut::Identity => 34.0,
                Shortcut::ZeroPad => 72.0,
                Shortcut::Projection(_) => 92.0,
            };
            let height = PAD + 12.0 + body.len() as f64 * CHIP[1] + 22.0 + PAD;
            [2.0 * PAD + CHIP_WIDTH + beside, height]
        }
        Block::Branches { .. } => [100.0, LOW],
    }
}

/// Draws a stage with the left top corner of its card at `at`, and its output's shape beneath.
pub(super) fn draw(canvas: &mut Canvas, stage: &Stage, at: [f64; 2]) {
    let [width, height] = size(stage);
    let [left, top] = at;
    match &stage.block {
        Block::Unit(unit) => single(canvas, unit, at, [width, height]),
        Block::Residual { body, shortcut } => {
            canvas.open("residual");
            residual(canvas, body, shortcut, at, [width, height]);
            canvas.close();
        }
        Block::Branches { branches, .. } => {
            canvas.open("module");
            module(canvas, branches, at, [width, height]);
            canvas.close();
        }
    }
    let shape = shape_text(stage.block.output());
    let middle = left + width / 2.0;
    canvas.text(
        [middle, top + height + 19.0],
        Anchor::Middle,
        muted(15.0),
        &shape,
    );
    if stage.times > 1 {
        let badge = [left + width - 40.0, top - 21.0, 52.0, 27.0];
        canvas.rect(badge, [INK, INK], false);
        let white = super::canvas::Type {
            colour: "#ffffff",
            ..bold(16.0)
        };
        let words = format!("× {}", stage.times);
        canvas.text(
            [left + width - 14.0, top - 1.5],
            Anchor::Middle,
            white,
            &words,
        );
    }
}

/// `256 × 14×14`, or the length of a vector.
pub(super) fn shape_text(shape: &[usize]) -> String {
    match shape {
        [channels, height, width] => format!("{channels} × {height}×{width}"),
        _ => shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join("×"),
    }
}

/// The smaller lines of a layer's card.
fn lines(unit: &Unit) -> Vec<String> {
    let what = match unit.kind {
        Kind::Conv => format!("conv, {}", unit.channels()),
        Kind::Linear => "fully connected".to_owned(),
        Kind::Pool | Kind::Norm | Kind::Distances => unit.what.to_owned(),
    };
    let mut lines = vec![what];
    lines.extend(unit.groups.clone());
    if !unit.notes.is_empty() {
        lines.push(unit.notes.join(" · "));
    }
    lines
}

fn single(canvas: &mut Canvas, unit: &Unit, [left, top]: [f64; 2], [width, height]: [f64; 2]) {
    canvas.rect([left, top, width, height], colours(unit.kind), false);
    let middle = left + width / 2.0;
    let lines = lines(unit);
    let first = top + height / 2.0 + 7.0 - lines.len() as f64 * 10.5;
    canvas.text([middle, first], Anchor::Middle, bold(20.0), &unit.title);
    for (index, line) in lines.iter().enumerate() {
        let noted = index > 0 && index + 1 == lines.len() && !unit.notes.is_empty();
        let look = if noted { muted(15.0) } else { plain(15.5) };
        let baseline = first + 23.0 + index as f64 * 20.0;
        canvas.text([middle, baseline], Anchor::Middle, look, line);
    }
}

fn residual(
    canvas: &mut Canvas,
    body: &[Unit],
    shortcut: &Shortcut,
    [left, top]: [f64; 2],
    [width, height]: [f64; 2],
) {
    canvas.rect([left, top, width, height], ["#f6f7f9", "#9aa4b2"], false);
    let middle = left + PAD + CHIP_WIDTH / 2.0;
    let start = top + PAD;
    let sum = [middle, top + height - PAD - 11.0];
    let mut from = start;
    for (index, unit) in body.iter().enumerate() {
        let y = start + 12.0 + index as f64 * CHIP[1];
        canvas.arrow(&[[middle, from], [middle, y]]);
        canvas.rect(
            [left + PAD, y, CHIP_WIDTH, CHIP[0]],
            colours(unit.kind),
            false,
        );
        canvas.text(
            [middle, y + 22.5],
            Anchor::Middle,
            plain(15.0),
            &unit.line(),
        );
        from = y + CHIP[0];
    }
    canvas.arrow(&[[middle, from], [middle, sum[1] - 11.0]]);

    let side = match shortcut {
        Shortcut::Identity => left + width - 18.0,
        Shortcut::ZeroPad | Shortcut::Projection(_) => {
            f64::midpoint(left + PAD + CHIP_WIDTH, left + width)
        }
    };
    canvas.skip(&[
        [middle, start],
        [side, start],
        [side, sum[1]],
        [sum[0] + 11.5, sum[1]],
    ]);
    canvas.circle(sum, 11.0, ["#ffffff", SKIP]);
    canvas.line(&[[sum[0] - 5.5, sum[1]], [sum[0] + 5.5, sum[1]]]);
    canvas.line(&[[sum[0], sum[1] - 5.5], [sum[0], sum[1] + 5.5]]);

    let centre = f64::midpoint(start, sum[1]);
    let (words, look, dashed, half) = match shortcut {
        Shortcut::Identity => return,
        Shortcut::ZeroPad => (
            ["zero".to_owned(), "pad".to_owned()],
            ["#ffffff", SKIP],
            true,
            26.0,
        ),
        Shortcut::Projection(unit) => (
            [unit.title.clone(), unit.channels().to_string()],
            colours(unit.kind),
            false,
            36.0,
        ),
    };
    canvas.rect([side - half, centre - 23.0, 2.0 * half, 46.0], look, dashed);
    for (word, y) in words.iter().zip([-4.0, 15.0]) {
        canvas.text([side, centre + y], Anchor::Middle, plain(15.0), word);
    }
}

/// An inception module, its branches as small columns side by side.
fn module(
    canvas: &mut Canvas,
    branches: &[Vec<Unit>],
    [left, top]: [f64; 2],
    [width, height]: [f64; 2],
) {
    canvas.rect([left, top, width, height], ["#f6f7f9", "#9aa4b2"], false);
    let middle = left + width / 2.0;
    canvas.text(
        [middle, top + 24.0],
        Anchor::Middle,
        bold(18.0),
        &module_name(branches),
    );
    let (start, end) = (top + 38.0, top + height - 14.0);
    let pitch = (width - 20.0) / branches.len().max(1) as f64;
    let x = |branch: usize| left + 10.0 + (branch as f64 + 0.5) * pitch;
    for y in [start, end] {
        canvas.line(&[[x(0), y], [x(branches.len().saturating_sub(1)), y]]);
    }
    for (index, branch) in branches.iter().enumerate() {
        let x = x(index);
        canvas.line(&[[x, start], [x, end]]);
        let count = branch.len() as f64;
        for (place, unit) in branch.iter().enumerate() {
            let y = start + (place as f64 + 1.0) * (end - start) / (count + 1.0) - 8.0;
            canvas.rect([x - 7.5, y, 15.0, 16.0], colours(unit.kind), false);
        }
    }
}

/// `3a` for a module whose parameters are called `inception3a.branch1.…`.
pub(super) fn module_name(branches: &[Vec<Unit>]) -> String {
    let mut paths = branches.iter().flatten().map(|unit| unit.path.as_str());
    let path = paths.find(|path| !path.is_empty()).unwrap_or_default();
    let module = path.split('.').next().unwrap_or_default();
    module.trim_start_matches("inception").to_owned()
}

/// Width and height of the box of the image or the classes.
pub(super) fn pill_size(words: &[String; 2]) -> [f64; 2] {
    let letters = words.iter().map(|line| line.chars().count()).max();
    [(letters.unwrap_or(0) as f64 * 8.4).max(92.0), PILL]
}

/// The image or the classes: a rounded box with two lines and its centre at `[middle, axis]`.
pub(super) fn pill(canvas: &mut Canvas, [middle, axis]: [f64; 2], words: &[String; 2]) {
    let [width, height] = pill_size(words);
    let area = [middle - width / 2.0, axis - height / 2.0, width, height];
    canvas.rect(area, ["#ffffff", LINE], false);
    canvas.text([middle, axis - 5.0], Anchor::Middle, bold(16.0), &words[0]);
    canvas.text(
        [middle, axis + 17.0],
        Anchor::Middle,
        muted(15.0),
        &words[1],
    );
}
