//! What stands beneath the rows: an inception module enlarged, and the auxiliary heads.

use super::blocks::Head;
use super::canvas::{Anchor, Canvas, bold, colours, muted, plain};
use super::cards::{module_name, shape_text};
use super::unit::{Kind, Unit};

/// Height of the enlarged module and of the heads, in pixels of the page.
pub(super) const HEIGHT: f64 = 336.0;
/// Width of a head's boxes.
pub(super) const HEAD: f64 = 160.0;
const BOX: f64 = 44.0;
const STEP: f64 = 66.0;

/// Draws a module into `[left, top, width]`, [`HEIGHT`] tall: its branches side by side.
pub(super) fn module(
    canvas: &mut Canvas,
    [left, top, width]: [f64; 3],
    input: &[usize],
    branches: &[Vec<Unit>],
    output: &[usize],
) {
    canvas.rect([left, top, width, HEIGHT], ["#f6f7f9", "#9aa4b2"], false);
    let middle = left + width / 2.0;
    let title = format!("inception {}, enlarged", module_name(branches));
    canvas.text([left + 18.0, top + 30.0], Anchor::Start, bold(18.0), &title);
    let count = branches.len().max(1) as f64;
    let pitch = (width - 36.0) / count;
    let (fork, join) = (top + 78.0, top + HEIGHT - 74.0);
    let x = |branch: usize| left + 18.0 + (branch as f64 + 0.5) * pitch;

    bar(canvas, [middle, top + 34.0], &shape_text(input));
    canvas.line(&[[middle, top + 64.0], [middle, fork]]);
    canvas.line(&[[x(0), fork], [x(branches.len().saturating_sub(1)), fork]]);
    for (index, branch) in branches.iter().enumerate() {
        canvas.open("branch");
        let x = x(index);
        let room = (join - fork) / branch.len().max(1) as f64;
        let mut from = fork;
        for (place, unit) in branch.iter().enumerate() {
            let y = fork + (place as f64 + 0.5) * room - BOX / 2.0 + 4.0;
            canvas.arrow(&[[x, from], [x, y]]);
            let half = (pitch * 0.42).min(100.0);
            canvas.rect([x - half, y, 2.0 * half, BOX], colours(unit.kind), false);
            let words = match unit.kind {
                Kind::Conv => format!("{} conv, {}", unit.title, unit.channels()),
                Kind::Pool | Kind::Norm | Kind::Linear | Kind::Distances => unit.line(),
            };
            canvas.text([x, y + 28.0], Anchor::Middle, plain(16.0), &words);
            from = y + BOX;
        }
        canvas.line(&[[x, from], [x, join + 8.0]]);
        canvas.close();
    }
    canvas.line(&[
        [x(0), join + 8.0],
        [x(branches.len().saturating_sub(1)), join + 8.0],
    ]);
    canvas.arrow(&[[middle, join + 8.0], [middle, top + HEIGHT - 46.0]]);
    let words = format!("concatenated: {}", shape_text(output));
    bar(canvas, [middle, top + HEIGHT - 46.0], &words);
}

fn bar(canvas: &mut Canvas, [middle, top]: [f64; 2], words: &str) {
    canvas.rect(
        [middle - 140.0, top, 280.0, 30.0],
        ["#ffffff", "#64707f"],
        false,
    );
    canvas.text([middle, top + 21.0], Anchor::Middle, plain(16.0), words);
}

/// Draws an auxiliary head downwards from `from`, its boxes from `top` on.
pub(super) fn head(canvas: &mut Canvas, head: &Head, number: usize, from: [f64; 2], top: f64) {
    canvas.open("aux");
    let [middle, mut y] = from;
    let mut next = top + 10.0;
    for unit in &head.units {
        canvas.arrow(&[[middle, y], [middle, next]]);
        canvas.rect(
            [middle - HEAD / 2.0, next, HEAD, BOX],
            colours(unit.kind),
            false,
        );
        let words = match unit.kind {
            Kind::Pool => format!("{} {}", unit.what, unit.title),
            Kind::Conv => format!("{} conv, {}", unit.title, unit.channels()),
            Kind::Norm | Kind::Linear | Kind::Distances => unit.line(),
        };
        canvas.text([middle, next + 28.0], Anchor::Middle, plain(16.0), &words);
        y = next + BOX;
        next += STEP;
    }
    let words = format!("auxiliary head {number}");
    canvas.text([middle, y + 26.0], Anchor::Middle, bold(17.0), &words);
    canvas.text(
        [middle, y + 48.0],
        Anchor::Middle,
        muted(15.0),
        "in training only",
    );
    canvas.close();
}
