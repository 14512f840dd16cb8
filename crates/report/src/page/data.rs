//! The page of an inspected data set.

use std::fmt::Write;

use askama::Template;

use crate::inspection::{ClassCount, DuplicateGroup, Duplicates, Inspection, SplitInspection};
use crate::text::thousands;

/// Sizes that are named, most frequent first.
const SIZES: usize = 12;
/// Groups of duplicates that are shown.
const GROUPS: usize = 60;
/// Images shown of a group.
const IMAGES: usize = 4;
/// Width and height of the drawing of sizes, and the room for its labels.
const SCATTER: [f64; 2] = [480.0, 300.0];
const MARGIN: f64 = 44.0;

#[derive(Template)]
#[template(path = "data.html")]
struct Page<'a> {
    name: &'a str,
    css: &'static str,
    own_css: &'static str,
    splits: [SplitView<'a>; 2],
    stated_mean: String,
    stated_std: String,
    duplicates: &'a Duplicates,
    groups: Vec<DuplicateGroup>,
    classes: Vec<ClassView<'a>>,
    is_whole: bool,
}

struct SplitView<'a> {
    name: &'static str,
    images: String,
    imbalance: String,
    mean: String,
    std: String,
    damaged: &'a [String],
    sizes: Vec<[String; 2]>,
    more_sizes: usize,
    /// SVG.
    scatter: Option<String>,
}

struct ClassView<'a> {
    class: &'a str,
    train: String,
    valid: String,
    /// Percent of the largest class.
    train_share: String,
    valid_share: String,
}

/// The groups that the page of `inspection` shows, with the images that it shows of each.
pub fn shown_groups(duplicates: &Duplicates) -> Vec<DuplicateGroup> {
    let groups = duplicates.shown.iter().take(GROUPS).cloned();
    groups
        .map(|mut group| {
            // One of each split at least: the first, and the last where the first few are of one split.
            if let Some(other) = group
                .images
                .iter()
                .position(|image| image.split != group.images[0].split)
                && other >= IMAGES
            {
                group.images.swap(IMAGES - 1, other);
            }
            group.images.truncate(IMAGES);
            group
        })
        .collect()
}

/// Shows what was found in a data set; `groups` are the [`shown_groups`], with their images.
pub fn inspection_page(inspection: &Inspection, groups: Vec<DuplicateGroup>) -> String {
    let Inspection { train, valid, .. } = inspection;
    let page = Page {
        name: &inspection.name,
        css: include_str!("../../templates/page.css"),
        own_css: include_str!("../../templates/data.css"),
        splits: [split("train", train), split("valid", valid)],
        stated_mean: numbers(inspection.stated_mean.iter().map(|&value| value.into())),
        stated_std: numbers(inspection.stated_std.iter().map(|&value| value.into())),
        duplicates: &inspection.duplicates,
        groups,
        classes: classes(&inspection.classes),
        is_whole: train.damaged.is_empty() && valid.damaged.is_empty(),
    };
    page.render()
        .expect("the template is checked when it is compiled, and memory takes it")
}

fn split<'a>(name: &'static str, split: &'a SplitInspection) -> SplitView<'a> {
    let mut sizes: Vec<(&String, usize)> = split
        .sizes
        .iter()
        .map(|(size, &count)| (size, count))
        .collect();
    sizes.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    SplitView {
        name,
        images: thousands(split.images as u64),
        imbalance: split
            .imbalance
            .map_or("a class is empty".to_owned(), |ratio| {
                format!("{ratio:.2} : 1")
            }),
        mean: numbers(split.mean.iter().copied()),
        std: numbers(split.std.iter().copied()),
        damaged: &split.damaged,
        scatter: scatter(&sizes),
        more_sizes: sizes.len().saturating_sub(SIZES),
        sizes: sizes
            .iter()
            .take(SIZES)
            .map(|&(size, count)| [size.clone(), thousands(count as u64)])
            .collect(),
    }
}

fn classes(counts: &[ClassCount]) -> Vec<ClassView<'_>> {
    let largest = |count: fn(&ClassCount) -> usize| counts.iter().map(count).max().unwrap_or(0);
    let [train, valid] = [largest(|class| class.train), largest(|class| class.valid)];
    let share = |count: usize, largest: usize| {
        format!("{:.1}", 100.0 * count as f64 / largest.max(1) as f64)
    };
    counts
        .iter()
        .map(|count| ClassView {
            class: &count.class,
            train: thousands(count.train as u64),
            valid: thousands(count.valid as u64),
            train_share: share(count.train, train),
            valid_share: share(count.valid, valid),
        })
        .collect()
}

/// A dot for every size, its area by the number of images; none where there are fewer than two sizes.
fn scatter(sizes: &[(&String, usize)]) -> Option<String> {
    let dots: Vec<[f64; 3]> = sizes
        .iter()
        .filter_map(|&(size, count)| {
            let mut sides = size.split('×').map(str::parse::<f64>);
            let (height, width) = (sides.next()?.ok()?, sides.next()?.ok()?);
            Some([width, height, count as f64])
        })
        .collect();
    if dots.len() < 2 {
        return None;
    }
    let largest = |side: usize| dots.iter().map(|dot| dot[side]).fold(1.0, f64::max);
    let [width, height, most] = [0, 1, 2].map(largest);
    let [right, bottom] = [SCATTER[0] - 12.0, SCATTER[1] - MARGIN + 12.0];
    let x = |value: f64| MARGIN + value / width * (right - MARGIN);
    let y = |value: f64| bottom - value / height * (bottom - 12.0);
    let mut svg = format!(
        "<svg class=\"scatter\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"widths and heights\">",
        SCATTER[0], SCATTER[1]
    );
    let mut draw = |part: std::fmt::Arguments<'_>| svg.write_fmt(part).expect("a string takes all");
    draw(format_args!(
        "<path class=\"grid\" fill=\"none\" d=\"M{MARGIN} 12V{bottom}H{right}\"/>\
         <text x=\"{right}\" y=\"{:.1}\" class=\"value\">width {width}</text><text x=\"{MARGIN}\" y=\"{:.1}\" class=\"epoch\">0</text>\
         <text x=\"{:.1}\" y=\"24\">height {height}</text>",
        bottom + 18.0,
        bottom + 18.0,
        MARGIN + 6.0
    ));
    for [across, down, count] in dots {
        draw(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\"/>",
            x(across),
            y(down),
            (8.0 * (count / most).sqrt()).max(1.5)
        ));
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn numbers(values: impl Iterator<Item = f64>) -> String {
    let values: Vec<String> = values.map(|value| format!("{value:.4}")).collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::inspection::DuplicateImage;

    fn inspection() -> Inspection {
        let split = SplitInspection {
            images: 1234,
            imbalance: Some(2.5),
            sizes: BTreeMap::from([("6×8×3".to_owned(), 4), ("600×800×3".to_owned(), 1)]),
            mean: vec![0.5],
            std: vec![0.25],
            damaged: vec!["<b>a.png</b>: damaged".to_owned()],
        };
        let image = |split, index| DuplicateImage {
            split,
            index,
            class: "<i>cats</i>".to_owned(),
            file: Some(format!("set/<b>{index}.png")),
            image: String::new(),
        };
        let mut images: Vec<_> = (0..9).map(|index| image("train", index)).collect();
        images.push(image("valid", 77));
        let group = DuplicateGroup {
            exact: true,
            leak: true,
            contradiction: false,
            size: 10,
            images,
        };
        Inspection {
            name: "<u>set</u>".to_owned(),
            classes: vec![
                ClassCount {
                    class: "<s>cats</s>".to_owned(),
                    train: 50,
                    valid: 4,
                },
                ClassCount {
                    class: "dogs".to_owned(),
                    train: 20,
                    valid: 8,
                },
            ],
            train: split.clone(),
            valid: SplitInspection {
                damaged: Vec::new(),
                ..split
            },
            stated_mean: vec![0.48],
            stated_std: vec![0.22],
            duplicates: Duplicates {
                exact: 9,
                leaked_exact: 1,
                groups: 1,
                shown: vec![group],
                ..Duplicates::default()
            },
        }
    }

    #[test]
    fn the_page_says_what_was_found_and_takes_no_text_for_markup() {
        let inspection = inspection();
        let groups = shown_groups(&inspection.duplicates);
        let page = inspection_page(&inspection, groups);
        for text in [
            "1,234",
            "2.50 : 1",
            "a.png",
            "set/&#60;b&#62;77.png",
            "--share:40.0%",
            "in both splits",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for markup in ["<u>", "<i>cats", "<s>", "<b>a.png", "<b>7"] {
            assert!(!page.contains(markup), "{markup}");
        }
        for outside in ["http://", "https://", "url(", "@import", "<script"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<circle").count(), 4);
    }

    #[test]
    fn a_group_is_shown_with_a_image_of_each_split() {
        let [group] = &shown_groups(&inspection().duplicates)[..] else {
            panic!("one group");
        };
        let shown: Vec<_> = group.images.iter().map(|p| (p.split, p.index)).collect();
        assert_eq!(
            shown,
            [("train", 0), ("train", 1), ("train", 2), ("valid", 77)]
        );
    }
}
