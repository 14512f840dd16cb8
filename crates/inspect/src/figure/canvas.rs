//! SVG text: shapes and escaped words, placed by an origin and a scale.

use std::fmt::Write;

use super::unit::Kind;

pub(super) const INK: &str = "#1c2530";
pub(super) const MUTED: &str = "#566273";
pub(super) const LINE: &str = "#64707f";
pub(super) const SKIP: &str = "#c2410c";

/// Fill and stroke of a kind.
pub(super) const fn colours(kind: Kind) -> [&'static str; 2] {
    match kind {
        Kind::Conv => ["#dbe9f9", "#3b78b8"],
        Kind::Pool => ["#fde6d2", "#cf6f2a"],
        Kind::Norm => ["#e7e1f6", "#7a5fb5"],
        Kind::Linear => ["#dcf1e0", "#3c9455"],
        Kind::Distances => ["#fbe3ea", "#b8446a"],
    }
}

/// Where a text is held.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    /// Size of the letters, in units of the canvas.
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: &'static str,
}

pub(super) const fn plain(size: f64) -> Type {
    Type {
        size,
        bold: false,
        colour: INK,
    }
}

pub(super) const fn bold(size: f64) -> Type {
    Type {
        size,
        bold: true,
        colour: INK,
    }
}

pub(super) const fn muted(size: f64) -> Type {
    Type {
        size,
        bold: false,
        colour: MUTED,
    }
}

/// A document that grows. Everything is placed in units of `scale` pixels from `origin`.
#[derive(Debug)]
pub(super) struct Canvas {
    svg: String,
    pub(super) origin: [f64; 2],
    pub(super) scale: f64,
}

/// A rectangle: left, top, width, height.
pub(super) type Area = [f64; 4];

impl Canvas {
    /// An empty white page.
    pub(super) fn new([width, height]: [f64; 2], title: &str) -> Self {
        let title = escape(title);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" font-family=\"'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', \
             sans-serif\">\n<title>{title}</title>\n<defs>\n\
             <marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
             orient=\"auto\"><path d=\"M0,1 L9,5 L0,9 z\" fill=\"{LINE}\"/></marker>\n\
             <marker id=\"skip-arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"6\" \
             markerHeight=\"6\" orient=\"auto\"><path d=\"M0,1 L9,5 L0,9 z\" fill=\"{SKIP}\"/></marker>\n</defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        Self {
            svg,
            origin: [0.0, 0.0],
            scale: 1.0,
        }
    }

    /// The whole document.
    pub(super) fn finish(mut self) -> String {
        self.svg += "</svg>\n";
        self.svg
    }

    /// Opens a group; `close` ends it.
    pub(super) fn open(&mut self, class: &str) {
        self.put(format_args!("<g class=\"{class}\">"));
    }

    pub(super) fn close(&mut self) {
        self.put(format_args!("</g>"));
    }

    /// A rounded rectangle.
    pub(super) fn rect(&mut self, area: Area, [fill, stroke]: [&str; 2], dashed: bool) {
        let ([x, y], scale) = (self.at([area[0], area[1]]), self.scale);
        let (width, height, round) = (
            area[2] * scale,
            area[3] * scale,
            (area[3] / 4.0).min(7.0) * scale,
        );
        let dash = if dashed {
            " stroke-dasharray=\"6 4\""
        } else {
            ""
        };
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\" \
             fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.6\"{dash}/>"
        ));
    }

    pub(super) fn circle(&mut self, centre: [f64; 2], radius: f64, [fill, stroke]: [&str; 2]) {
        let [x, y] = self.at(centre);
        let radius = radius * self.scale;
        self.put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"{fill}\" stroke=\"{stroke}\" \
             stroke-width=\"1.6\"/>"
        ));
    }

    /// A line of words, its baseline at `at`.
    pub(super) fn text(&mut self, at: [f64; 2], anchor: Anchor, look: Type, words: &str) {
        let ([x, y], words) = (self.at(at), escape(words));
        let size = look.size * self.scale;
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if look.bold {
            " font-weight=\"700\""
        } else {
            ""
        };
        let colour = look.colour;
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size:.1}\" text-anchor=\"{anchor}\"{weight} \
             fill=\"{colour}\">{words}</text>"
        ));
    }

    /// A line through the points, with an arrow's head at its end.
    pub(super) fn arrow(&mut self, points: &[[f64; 2]]) {
        self.path(
            points,
            &format!("class=\"flow\" stroke=\"{LINE}\" marker-end=\"url(#arrow)\""),
        );
    }

    /// The way around a residual unit's body.
    pub(super) fn skip(&mut self, points: &[[f64; 2]]) {
        self.path(
            points,
            &format!("class=\"skip\" stroke=\"{SKIP}\" marker-end=\"url(#skip-arrow)\""),
        );
    }

    /// A line through the points.
    pub(super) fn line(&mut self, points: &[[f64; 2]]) {
        self.path(points, &format!("stroke=\"{LINE}\""));
    }

    fn path(&mut self, points: &[[f64; 2]], attributes: &str) {
        let mut path = String::new();
        for (index, &point) in points.iter().enumerate() {
            let [x, y] = self.at(point);
            let command = if index == 0 { 'M' } else { 'L' };
            let gap = if index == 0 { "" } else { " " };
            // Writing to a string cannot fail.
            let _ = write!(path, "{gap}{command}{x:.1},{y:.1}");
        }
        self.put(format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke-width=\"1.8\" stroke-linejoin=\"round\" {attributes}/>"
        ));
    }

    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top] = self.origin;
        [left + x * self.scale, top + y * self.scale]
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.svg, "{element}");
    }
}

/// Words as XML has them: markup is escaped, and what XML has no place for is left out.
fn escape(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        assert_eq!(
            escape("a < b & \"c\" > d\u{1}"),
            "a &lt; b &amp; &quot;c&quot; &gt; d"
        );
    }

    #[test]
    fn shapes_are_placed_by_origin_and_scale() {
        let mut canvas = Canvas::new([10.0, 10.0], "<");
        canvas.origin = [1.0, 2.0];
        canvas.scale = 2.0;
        canvas.line(&[[0.0, 0.0], [1.0, 1.5]]);
        let svg = canvas.finish();
        assert!(svg.contains("d=\"M1.0,2.0 L3.0,5.0\""), "{svg}");
        assert!(svg.contains("<title>&lt;</title>"), "{svg}");
    }
}
