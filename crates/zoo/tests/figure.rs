//! The figure of every model: well-formed, inside its page, and of the right shape.

use burn::tensor::Device;
use burn_zoo::{ModelOptions, figure, models, summarize};

fn draw(name: &str) -> String {
    let recorder = Device::capture();
    figure(name, &ModelOptions::default(), None, &recorder).expect("a listed name")
}

/// Value of an attribute of a start tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let value = tag.split_once(&format!(" {name}=\""))?.1;
    Some(value.split_once('"')?.0)
}

fn number(tag: &str, name: &str) -> f64 {
    let value = attribute(tag, name).unwrap_or_else(|| panic!("{name} of {tag}"));
    value.parse().unwrap_or_else(|_| panic!("{name} of {tag}"))
}

/// Start tags with the text that follows each.
///
/// # Panics
/// If tags do not nest, an attribute is not quoted, or text holds markup.
fn elements<'a>(name: &str, svg: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut open = Vec::new();
    let mut elements = Vec::new();
    let mut parts = svg.split('<');
    assert_eq!(parts.next(), Some(""), "{name} begins with its root");
    for part in parts {
        let (tag, text) = part
            .split_once('>')
            .unwrap_or_else(|| panic!("{name}: <{part}"));
        assert!(!text.contains('>'), "{name}: {text}");
        for entity in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;"];
            assert!(
                known.iter().any(|known| entity.starts_with(known)),
                "{text}"
            );
        }
        if let Some(ended) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(ended), "{name}");
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
        assert_eq!(
            tag.matches("=\"").count() * 2,
            tag.matches('"').count(),
            "{name}: {tag}"
        );
        if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a split has a first part"));
            assert!(open.len() == 1 || open[0] == "svg", "{name}: a second root");
        }
        elements.push((tag, text));
    }
    assert!(open.is_empty(), "{name}: {open:?} is not closed");
    elements
}

/// Texts as (left, right, baseline, size), their width estimated on the wide side of sans-serif fonts.
fn texts(name: &str, svg: &str) -> Vec<([f64; 4], String)> {
    let elements = elements(name, svg);
    let texts = elements
        .into_iter()
        .filter(|(tag, _)| tag.starts_with("text "));
    let placed = texts.map(|(tag, words)| {
        let size = number(tag, "font-size");
        let bold = attribute(tag, "font-weight").is_some();
        let width = words.chars().count() as f64 * size * if bold { 0.6 } else { 0.55 };
        let x = number(tag, "x");
        let left = match attribute(tag, "text-anchor") {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        (
            [left, left + width, number(tag, "y"), size],
            words.to_owned(),
        )
    });
    placed.collect()
}

#[test]
fn every_figure_is_well_formed_and_inside_its_page() {
    let all = models("*");
    assert_eq!(all.len(), 44);
    for info in all {
        let name = info.name;
        let svg = draw(name);
        let texts = texts(name, &svg);
        assert!(texts.len() > 10, "{name}");
        assert!(
            texts.iter().any(|(_, words)| words == name),
            "{name}: no title"
        );
        for ([left, right, baseline, size], words) in &texts {
            let inside =
                *left >= 0.0 && *right <= 1600.0 && *baseline >= *size && *baseline <= 892.0;
            assert!(inside, "{name}: {words:?} at {left}–{right}, {baseline}");
            assert!(*size >= 13.0, "{name}: {words:?} is too small to read");
        }
        for (index, ([left, right, baseline, size], words)) in texts.iter().enumerate() {
            for ([left2, right2, baseline2, size2], words2) in &texts[..index] {
                let apart = right <= left2
                    || right2 <= left
                    || (baseline - baseline2).abs() >= 0.8 * size.min(*size2);
                assert!(apart, "{name}: {words:?} lies on {words2:?}");
            }
        }
        for (tag, _) in elements(name, &svg)
            .iter()
            .filter(|(tag, _)| tag.starts_with("rect "))
        {
            let [width, height] = ["width", "height"].map(|side| number(tag, side));
            let [x, y] =
                ["x", "y"].map(|side| attribute(tag, side).map_or(0.0, |_| number(tag, side)));
            let inside = x >= 0.0 && y >= 0.0 && x + width <= 1600.0 && y + height <= 900.0;
            assert!(inside, "{name}: {tag}");
        }
    }
}

#[test]
fn residual_units_have_skip_arrows_and_equal_ones_a_count() {
    let svg = draw("resnet50");
    // Four stages of a projection and a row of identities, and the legend.
    assert_eq!(svg.matches("class=\"residual\"").count(), 8);
    assert_eq!(svg.matches("class=\"skip\"").count(), 9);
    for (count, times) in [("× 2", 2), ("× 3", 1), ("× 5", 1)] {
        assert_eq!(svg.matches(&format!(">{count}<")).count(), times, "{count}");
    }
    assert!(draw("resnet152").contains(">× 35<"));
    assert!(draw("resnet20").contains(">zero<"));
    let plain = draw("plain34");
    assert!(!plain.contains("class=\"skip\""));
    assert!(!plain.contains("skip connection"));
}

#[test]
fn googlenet_has_modules_branches_and_heads() {
    for (name, heads) in [
        ("googlenet", 2),
        ("googlenet_paper", 2),
        ("cifar_googlenet", 0),
    ] {
        let svg = draw(name);
        assert_eq!(svg.matches("class=\"module\"").count(), 9, "{name}");
        assert_eq!(svg.matches("class=\"branch\"").count(), 4, "{name}");
        assert_eq!(svg.matches("class=\"aux\"").count(), heads, "{name}");
        assert!(svg.contains(">inception 3a, enlarged<"), "{name}");
        for module in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"] {
            assert!(svg.contains(&format!(">{module}<")), "{name}: {module}");
        }
    }
    assert!(draw("googlenet_paper").contains("5×5 conv, 32"));
}

#[test]
fn other_sizes_and_classes_are_drawn_as_well() {
    let recorder = Device::capture();
    let options = ModelOptions {
        num_classes: Some(1_000_000),
        in_channels: Some(1),
        ..ModelOptions::default()
    };
    // The paper's heads need 79 pixels, and another linear layer for each size.
    for (size, heads) in [([64, 64], 0), ([512, 1024], 2)] {
        let svg = figure("googlenet_paper", &options, Some(size), &recorder).expect("any size");
        assert_eq!(svg.matches("class=\"aux\"").count(), heads, "{size:?}");
        assert!(
            svg.contains(&format!(">1×{}×{}<", size[0], size[1])),
            "{size:?}"
        );
        assert!(svg.contains(">1000000<"), "{size:?}");
    }
    for name in ["vgg16", "resnet20"] {
        let svg = figure(name, &options, Some([320, 96]), &recorder).expect("any size");
        assert!(!elements(name, &svg).is_empty());
    }
}

#[test]
fn the_output_units_of_1998_are_drawn() {
    assert!(draw("lenet5").contains(">RBF distances<"));
    assert!(!draw("lenet5_modern").contains("RBF"));
}

/// Heads hang from the modules that they read, which are 4a and 4d.
#[test]
fn auxiliary_heads_hang_beneath_their_modules() {
    let svg = draw("googlenet");
    let texts = texts("googlenet", &svg);
    let middle = |words: &str| {
        let found = texts.iter().find(|(_, text)| text == words);
        let ([left, right, ..], _) = found.unwrap_or_else(|| panic!("{words}"));
        f64::midpoint(*left, *right)
    };
    for (module, head) in [("4a", "auxiliary head 1"), ("4d", "auxiliary head 2")] {
        let apart = (middle(module) - middle(head)).abs();
        assert!(apart < 50.0, "{head} is {apart} pixels from {module}");
    }
}

/// Counted from the kernels and strides of the papers' tables: r += (k − 1)·j, j *= s.
#[test]
fn receptive_fields_are_those_of_the_published_kernels() {
    let recorder = Device::capture();
    let fields = [
        ("lenet5", 32),
        ("alexnet", 195),
        ("vgg16", 212),
        ("googlenet", 379),
        ("googlenet_paper", 715),
        ("resnet50", 427),
        ("resnet50_paper", 483),
        ("resnet152", 1451),
    ];
    for (name, field) in fields {
        let summary = summarize(name, &ModelOptions::default(), None, &recorder).expect("listed");
        assert_eq!(summary.receptive_field, Some([field, field]), "{name}");
        let last = summary.layers.iter().rfind(|layer| layer.output.is_some());
        assert_eq!(last.and_then(|layer| layer.receptive_field), None, "{name}");
    }
    let lenet = summarize("lenet5", &ModelOptions::default(), None, &recorder).expect("listed");
    let by_layer: Vec<usize> = ["c1", "s2", "c3", "s4", "c5"]
        .map(|name| {
            let layer = lenet.layers.iter().find(|layer| layer.name == name);
            layer
                .and_then(|layer| layer.receptive_field)
                .expect("a map")[0]
        })
        .to_vec();
    assert_eq!(by_layer, [5, 6, 14, 16, 32]);
}

#[test]
fn activation_memory_is_that_of_every_output() {
    let recorder = Device::capture();
    for info in models("*") {
        let options = ModelOptions::default();
        let summary = summarize(info.name, &options, None, &recorder).expect("listed");
        let mut total = 0;
        for layer in &summary.layers {
            let values: usize = layer
                .output
                .iter()
                .map(|shape| shape.iter().product::<usize>())
                .sum();
            assert_eq!(layer.activation_bytes, 4 * values as u64, "{}", layer.name);
            total += layer.activation_bytes;
        }
        assert_eq!(summary.activation_bytes, total, "{}", info.name);
    }
}
