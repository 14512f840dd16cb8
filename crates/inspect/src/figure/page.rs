//! The page: title, rows of cards, what stands beneath them, legend.

use super::blocks::{Block, Network, Stage};
use super::canvas::{Anchor, Canvas, bold, colours, muted, plain};
use super::rows::{BETWEEN, GAP, Rows, arrange, height, tallest, width};
use super::unit::Kind;
use super::{cards, inset};
use crate::summary::Summary;

const PAGE: [f64; 2] = [1600.0, 900.0];
const MARGIN: f64 = 50.0;
/// Where the rows begin and the legend stands.
const TOP: f64 = 128.0;
const LEGEND: f64 = 866.0;
/// Widest distance of two cards, where a row has room to spare.
const WIDEST_GAP: f64 = 64.0;

/// Draws the whole figure.
pub(super) fn draw(about: &str, summary: &Summary, network: &Network) -> String {
    let mut canvas = Canvas::new(PAGE, &format!("{}: architecture", summary.model));
    title(&mut canvas, about, summary);

    let stages = &network.stages;
    let module = stages
        .iter()
        .position(|stage| matches!(stage.block, Block::Branches { .. }));
    let has_foot = module.is_some() || !network.heads.is_empty();
    let foot = LEGEND - 34.0 - inset::HEIGHT;
    let bottom = if has_foot { foot } else { LEGEND - 30.0 };

    // The image, the stages, the classes.
    let ends = ends(summary).map(|words| cards::pill_size(&words));
    let mut sizes = vec![ends[0]];
    sizes.extend(stages.iter().map(cards::size));
    sizes.push(ends[1]);
    // Heads hang from the last row, with nothing in their way.
    let must = network.heads.first().map(|head| head.stage + 1);
    let room = [PAGE[0] - 2.0 * MARGIN, bottom - TOP];
    let rows = arrange(&sizes, room, must);
    let middles = flow(&mut canvas, summary, stages, &sizes, &rows, bottom);

    canvas.origin = [0.0, 0.0];
    canvas.scale = 1.0;
    let mut left = MARGIN;
    for (index, head) in network.heads.iter().enumerate() {
        let [middle, under] = middles[head.stage];
        let from = [middle.max(MARGIN + inset::HEAD / 2.0), under];
        inset::head(&mut canvas, head, index + 1, from, foot);
        left = left.max(from[0] + inset::HEAD / 2.0 + MARGIN);
    }
    if let Some(index) = module
        && let Block::Branches { branches, output } = &stages[index].block
    {
        let input = match index.checked_sub(1) {
            Some(before) => stages[before].block.output(),
            None => &summary.input,
        };
        let widest = (PAGE[0] - MARGIN - left).min(1000.0);
        let left = if network.heads.is_empty() {
            (PAGE[0] - widest) / 2.0
        } else {
            left
        };
        inset::module(&mut canvas, [left, foot, widest], input, branches, output);
    }
    legend(&mut canvas, network);
    canvas.finish()
}

/// Draws the rows, centred between title and `bottom`. Gives the middle of each stage's lower edge, in pixels.
fn flow(
    canvas: &mut Canvas,
    summary: &Summary,
    stages: &[Stage],
    sizes: &[[f64; 2]],
    rows: &Rows,
    bottom: f64,
) -> Vec<[f64; 2]> {
    let scale = rows.scale;
    // The last row has nothing beneath it but the shapes.
    let used = (height(sizes, &rows.ranges) - BETWEEN + 30.0) * scale;
    canvas.origin = [0.0, TOP + ((bottom - TOP - used) / 2.0).max(0.0)];
    canvas.scale = scale;
    let page = PAGE[0] / scale;
    let mut middles = Vec::new();
    let mut top = 0.0;
    let mut back: Option<[f64; 2]> = None;
    for range in &rows.ranges {
        let row = &sizes[range.clone()];
        let tall = tallest(row);
        let axis = top + tall / 2.0;
        let spare = page - 2.0 * MARGIN / scale - width(row);
        let gaps = row.len().saturating_sub(1).max(1) as f64;
        let gap = GAP + (spare / gaps).clamp(0.0, WIDEST_GAP - GAP);
        let used = width(row) + (gap - GAP) * gaps;
        let mut x = (page - used) / 2.0;
        if let Some([end, axis_before]) = back {
            let turn = top - 26.0;
            let (right, left) = (end + 16.0, x - 24.0);
            canvas.arrow(&[
                [end, axis_before],
                [right, axis_before],
                [right, turn],
                [left, turn],
                [left, axis],
                [x, axis],
            ]);
        }
        for (place, item) in range.clone().enumerate() {
            let [width, height] = sizes[item];
            if place > 0 {
                canvas.arrow(&[[x - gap, axis], [x, axis]]);
            }
            let centre = [x + width / 2.0, axis];
            match item.checked_sub(1).and_then(|stage| stages.get(stage)) {
                Some(stage) => {
                    cards::draw(canvas, stage, [x, axis - height / 2.0]);
                    let under = [centre[0], axis + height / 2.0 + 24.0];
                    let [left, above] = canvas.origin;
                    middles.push([left + under[0] * scale, above + under[1] * scale]);
                }
                None => {
                    let end = usize::from(item > 0);
                    cards::pill(canvas, centre, &ends(summary)[end]);
                }
            }
            x += width + gap;
        }
        back = Some([x - gap, axis]);
        top += tall + BETWEEN;
    }
    middles
}

/// What stands before the first stage and after the last.
fn ends(summary: &Summary) -> [[String; 2]; 2] {
    let [channels, height, width] = summary.input;
    [
        ["image".to_owned(), format!("{channels}×{height}×{width}")],
        [summary.classes.to_string(), "classes".to_owned()],
    ]
}

fn title(canvas: &mut Canvas, about: &str, summary: &Summary) {
    canvas.text([MARGIN, 64.0], Anchor::Start, bold(40.0), &summary.model);
    canvas.text([MARGIN, 96.0], Anchor::Start, muted(19.0), about);
    let right = PAGE[0] - MARGIN;
    let numbers = format!(
        "{} parameters · {} multiply-adds",
        short(summary.parameters as u64),
        short(summary.multiply_adds)
    );
    canvas.text([right, 60.0], Anchor::End, bold(22.0), &numbers);
    let kib = summary.activation_bytes as f64 / 1024.0;
    let mut more = if kib < 1024.0 {
        format!("{kib:.1} KiB of activations")
    } else {
        format!("{:.1} MiB of activations", kib / 1024.0)
    };
    if let Some([height, width]) = summary.receptive_field {
        more += &format!(" · receptive field of the last map {height}×{width}");
    }
    canvas.text([right, 92.0], Anchor::End, muted(18.0), &more);
}

/// `25557032` as `25.6 M`.
fn short(value: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    match units.iter().find(|(unit, _)| value >= *unit) {
        Some((unit, name)) => {
            let value = value as f64 / *unit as f64;
            if value < 10.0 {
                format!("{value:.2} {name}")
            } else {
                format!("{value:.1} {name}")
            }
        }
        None => value.to_string(),
    }
}

/// The colours that the figure uses, and its signs.
fn legend(canvas: &mut Canvas, network: &Network) {
    let used: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| {
            let in_heads = network.heads.iter().flat_map(|head| &head.units);
            let in_stages = network.stages.iter().flat_map(|stage| stage.block.units());
            in_stages.chain(in_heads).any(|unit| unit.kind == *kind)
        })
        .collect();
    let mut x = MARGIN;
    for kind in used {
        canvas.rect([x, LEGEND - 14.0, 26.0, 18.0], colours(kind), false);
        canvas.text([x + 36.0, LEGEND], Anchor::Start, plain(16.0), kind.name());
        x += 36.0 + kind.name().chars().count() as f64 * 8.2 + 34.0;
    }
    let has = |sought: fn(&Block) -> bool| network.stages.iter().any(|stage| sought(&stage.block));
    if has(|block| matches!(block, Block::Residual { .. })) {
        canvas.skip(&[[x, LEGEND - 5.0], [x + 36.0, LEGEND - 5.0]]);
        canvas.text(
            [x + 46.0, LEGEND],
            Anchor::Start,
            plain(16.0),
            "skip connection",
        );
        x += 46.0 + 15.0 * 8.2 + 34.0;
    }
    if network.stages.iter().any(|stage| stage.times > 1) {
        canvas.text(
            [x, LEGEND],
            Anchor::Start,
            plain(16.0),
            "× n: n of them in a row",
        );
    }
    let right = PAGE[0] - MARGIN;
    let words = "3×3 / 2, 64: kernel, stride, channels";
    canvas.text([right, LEGEND], Anchor::End, muted(16.0), words);
}
