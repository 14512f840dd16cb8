//! Breaking the stages into rows, and the scale at which they fill the page.

/// Least distance of two cards: an arrow fits between.
pub(super) const GAP: f64 = 34.0;
/// Between the cards of one row and of the next: the shape beneath, the arrow back, a count on a corner.
pub(super) const BETWEEN: f64 = 70.0;
/// Scale of the largest figures.
const LARGEST: f64 = 1.5;

/// Items broken into rows, as ranges.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) ranges: Vec<std::ops::Range<usize>>,
    pub(super) scale: f64,
}

/// Breaks items of these sizes into the number of rows at which they are largest on a page of `room` (width, height).
/// A row begins at `must`, if it is given.
pub(super) fn arrange(sizes: &[[f64; 2]], room: [f64; 2], must: Option<usize>) -> Rows {
    let candidates = (1..=sizes.len().max(1)).map(|count| {
        let ranges = balanced(sizes, count, must);
        let widest = ranges
            .iter()
            .map(|row| width(&sizes[row.clone()]))
            .fold(1.0, f64::max);
        let height = height(sizes, &ranges);
        let scale = (room[0] / widest).min(room[1] / height).min(LARGEST);
        Rows { ranges, scale }
    });
    // Fewer rows are easier to read, unless more make everything much larger.
    candidates
        .reduce(|best, next| {
            if next.scale > best.scale * 1.15 {
                next
            } else {
                best
            }
        })
        .unwrap_or(Rows {
            ranges: Vec::new(),
            scale: 1.0,
        })
}

/// Height of all rows with what is between them.
pub(super) fn height(sizes: &[[f64; 2]], ranges: &[std::ops::Range<usize>]) -> f64 {
    let rows = ranges
        .iter()
        .map(|row| tallest(&sizes[row.clone()]) + BETWEEN);
    rows.sum()
}

/// Height of the tallest item.
pub(super) fn tallest(sizes: &[[f64; 2]]) -> f64 {
    sizes.iter().map(|size| size[1]).fold(0.0, f64::max)
}

/// Width of items side by side.
pub(super) fn width(sizes: &[[f64; 2]]) -> f64 {
    let items: f64 = sizes.iter().map(|size| size[0]).sum();
    items + sizes.len().saturating_sub(1) as f64 * GAP
}

/// The narrowest rows of which there are at most `count`, unless `must` asks for one more.
fn balanced(sizes: &[[f64; 2]], count: usize, must: Option<usize>) -> Vec<std::ops::Range<usize>> {
    let mut limit = width(sizes) / count as f64;
    let all = count.max(1 + usize::from(must.is_some()));
    loop {
        let rows = greedy(sizes, limit, must);
        if rows.len() <= all {
            return rows;
        }
        limit *= 1.01;
    }
}

fn greedy(sizes: &[[f64; 2]], limit: f64, must: Option<usize>) -> Vec<std::ops::Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    for end in 1..=sizes.len() {
        let is_full = end == sizes.len() || width(&sizes[start..=end]) > limit;
        if is_full || must == Some(end) {
            rows.push(start..end);
            start = end;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_balanced_and_hold_every_item_once() {
        let sizes = [[100.0, 50.0]; 10];
        let rows = arrange(&sizes, [700.0, 1000.0], None);
        assert!(rows.ranges.len() > 1, "{rows:?}");
        let items: Vec<usize> = rows.ranges.iter().cloned().flatten().collect();
        assert_eq!(items, (0..10).collect::<Vec<_>>());
        let forced = arrange(&sizes, [700.0, 1000.0], Some(3));
        assert!(forced.ranges.iter().any(|row| row.start == 3), "{forced:?}");
        assert!(arrange(&[], [1.0, 1.0], None).ranges.is_empty());
    }
}
