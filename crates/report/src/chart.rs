//! Line charts as SVG, drawn for a width of 480 so that their text can be read on a phone.

use std::fmt::Write;

/// Width and height of the drawing, and the margins left, right, above and below the plot.
const SIZE: [f64; 2] = [480.0, 270.0];
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Up to so many points are marked one by one.
const MARKED: usize = 40;

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    Linear,
    /// Values that are not above 0 are left out.
    Log,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The run, which decides the colour.
    pub(crate) run: usize,
    /// How it is drawn: a CSS class.
    pub(crate) kind: &'static str,
    /// Epoch and value.
    pub(crate) points: Vec<[f64; 2]>,
}

/// Draws `lines` over the epochs; none where there is not one point. `name` is the chart's for the script, `label` for
/// whoever cannot see it.
pub(crate) fn chart(name: &str, label: &str, lines: &[Line], scale: Scale) -> Option<String> {
    let shown =
        |[_, value]: &[f64; 2]| value.is_finite() && (scale == Scale::Linear || *value > 0.0);
    let points = || {
        lines
            .iter()
            .flat_map(|line| &line.points)
            .filter(|point| shown(point))
    };
    let last = points().map(|[epoch, _]| *epoch).reduce(f64::max)?;
    let values = points().map(|[_, value]| *value);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let ticks = match scale {
        Scale::Linear => linear_ticks(low, high),
        Scale::Log => log_ticks(low, high),
    };
    let range = [low.min(ticks[0]), high.max(ticks[ticks.len() - 1])];
    let first = if last > 1.0 { 1.0 } else { 0.0 };
    let x = |epoch: f64| LEFT + (epoch - first) / (last - first) * (SIZE[0] - LEFT - RIGHT);
    let y = |value: f64| {
        let place = match scale {
            Scale::Linear => (value - range[0]) / (range[1] - range[0]),
            Scale::Log => (value / range[0]).ln() / (range[1] / range[0]).ln(),
        };
        SIZE[1] - BOTTOM - place * (SIZE[1] - TOP - BOTTOM)
    };

    let class = match scale {
        Scale::Linear => "chart linear",
        Scale::Log => "chart log",
    };
    let mut svg = format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{label}\" data-chart=\"{name}\" \
         data-first=\"{first}\" data-last=\"{last}\" data-left=\"{LEFT}\" data-right=\"{}\">",
        SIZE[0],
        SIZE[1],
        SIZE[0] - RIGHT
    );
    let mut draw = |part: std::fmt::Arguments<'_>| svg.write_fmt(part).expect("a string takes all");
    for tick in &ticks {
        let height = y(*tick);
        draw(format_args!(
            "<path class=\"grid\" d=\"M{LEFT} {height:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" class=\"value\">{}</text>",
            SIZE[0] - RIGHT,
            LEFT - 6.0,
            height + 4.0,
            number(*tick)
        ));
    }
    for epoch in epoch_ticks(first, last) {
        draw(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"epoch\">{epoch}</text>",
            x(epoch),
            SIZE[1] - BOTTOM + 18.0
        ));
    }
    for line in lines {
        let places: Vec<[f64; 2]> = line
            .points
            .iter()
            .filter(|point| shown(point))
            .map(|[epoch, value]| [x(*epoch), y(*value)])
            .collect();
        if places.is_empty() {
            continue;
        }
        draw(format_args!(
            "<g class=\"run-{} {}\"><path d=\"",
            line.run, line.kind
        ));
        for (index, [x, y]) in places.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            draw(format_args!("{step}{x:.1} {y:.1}"));
        }
        draw(format_args!("\"/>"));
        for [x, y] in places.iter().filter(|_| places.len() <= MARKED) {
            draw(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
            ));
        }
        draw(format_args!("</g>"));
    }
    draw(format_args!(
        "<path class=\"cursor\" d=\"M0 {TOP}V{:.1}\"/></svg>",
        SIZE[1] - BOTTOM
    ));
    Some(svg)
}

/// Four to eight round numbers that reach from at most `low` to at least `high`.
fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    let span = match high - low {
        none if none <= f64::EPSILON * high.abs() => high.abs().max(1e-9),
        span => span,
    };
    let step = round_step(span / 5.0);
    let first = (low / step).floor() as i64;
    let last = ((high / step).ceil() as i64).max(first + 1);
    (first..=last).map(|count| count as f64 * step).collect()
}

/// The smallest of 1, 2, 5, 10, … times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0];
    let fits = round
        .into_iter()
        .find(|round| round * power >= step * 0.999_999);
    fits.unwrap_or(10.0) * power
}

/// 1, 2 and 5 times powers of ten where they are few, else the powers alone, all around `low` to `high`.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let wide = high / low > 200.0;
    let factors: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let all: Vec<f64> = decades
        .flat_map(|decade| {
            factors
                .iter()
                .map(move |factor| factor * 10f64.powi(decade))
        })
        .collect();
    let first = all
        .iter()
        .rposition(|tick| *tick <= low * 1.000_001)
        .unwrap_or(0);
    let last = all.iter().position(|tick| *tick >= high * 0.999_999);
    let last = last
        .unwrap_or(all.len() - 1)
        .max(first + 1)
        .min(all.len() - 1);
    all[first..=last].to_vec()
}

/// Whole epochs, at most seven.
fn epoch_ticks(first: f64, last: f64) -> Vec<f64> {
    let step = round_step(((last - first) / 6.0).max(1.0)).ceil();
    let mut ticks = vec![first];
    ticks.extend(
        (1..)
            .map(|count| count as f64 * step)
            .take_while(|tick| *tick <= last)
            .filter(|tick| *tick > first),
    );
    // The first label and the next one would touch.
    if ticks.len() > 2 && ticks[1] - ticks[0] < step * 0.7 {
        ticks.remove(1);
    }
    ticks
}

/// A tick as short as it can be said.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.0e}");
    }
    // Rid of what binary fractions leave behind.
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_enclose_the_values() {
        assert_eq!(linear_ticks(0.3, 2.2), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
        assert_eq!(
            linear_ticks(10.0, 99.0),
            [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        );
        assert_eq!(
            log_ticks(0.03, 2.2),
            [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
        );
        assert_eq!(log_ticks(1e-4, 0.5), [1e-4, 1e-3, 1e-2, 1e-1, 1.0]);
        assert_eq!(epoch_ticks(1.0, 3.0), [1.0, 2.0, 3.0]);
        assert_eq!(epoch_ticks(1.0, 90.0), [1.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(epoch_ticks(0.0, 1.0), [0.0, 1.0]);
    }

    #[test]
    fn values_that_are_all_the_same_have_a_scale_of_their_own() {
        for value in [0.1, 0.0, 5.0] {
            let ticks = linear_ticks(value, value);
            assert!(ticks.len() >= 2 && ticks.len() < 12, "{ticks:?}");
            assert!(
                ticks[0] <= value && value <= ticks[ticks.len() - 1],
                "{ticks:?}"
            );
            assert!(ticks[0] < ticks[ticks.len() - 1]);
        }
        assert_eq!(log_ticks(0.1, 0.1).len(), 2);
    }

    #[test]
    fn ticks_are_said_shortly() {
        let said = [0.0, 0.1 + 0.2, 100.0, 0.05, 1e-5, 2e7].map(number);
        assert_eq!(said, ["0", "0.3", "100", "0.05", "1e-5", "2e7"]);
    }

    #[test]
    fn a_point_lies_where_its_numbers_say() {
        let line = Line {
            run: 3,
            kind: "valid",
            points: vec![[1.0, 0.0], [2.0, 50.0], [3.0, 100.0]],
        };
        let svg =
            chart("top1", "Top-1", std::slice::from_ref(&line), Scale::Linear).expect("points");
        // Left, middle and right of the plot; its bottom, middle and top.
        assert!(
            svg.contains(
                "<g class=\"run-3 valid\"><path d=\"M56.0 242.0L262.0 127.0L468.0 12.0\"/>"
            ),
            "{svg}"
        );
        assert_eq!(svg.matches("<circle").count(), 3);
        let log = chart("top1", "Top-1", &[line], Scale::Log).expect("two points above 0");
        assert_eq!(log.matches("<circle").count(), 2);
        assert_eq!(chart("top1", "Top-1", &[], Scale::Linear), None);
    }
}
