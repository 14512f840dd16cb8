//! The page: one HTML file that holds everything it shows and asks the network for nothing.
//!
//! `templates/page.html` says what stands where and escapes every text; here the numbers become text. Whatever can be
//! chosen (runs, the scale) is a checkbox that CSS acts upon, so the page is whole without its script, which only reads
//! values out under the pointer.

mod curves;
mod data;
mod findings;
mod run;

use std::fmt::Write;

use askama::Template;
use serde_json::json;

use crate::difference::{Difference, differences};
use crate::folder::Run;
use curves::Curve;
pub use data::{inspection_page, shown_groups};
use run::RunView;

/// Colours of `page.css`, which begin anew after the last.
const COLOURS: usize = 10;

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    title: String,
    css: &'static str,
    /// Colour and visibility of each run.
    rules: String,
    script: &'static str,
    /// What the script reads: JSON without `<`.
    data: String,
    runs: Vec<RunView>,
    curves: Vec<Curve>,
    differences: Vec<Difference>,
}

/// Shows `runs`, side by side where there are several.
pub fn page(runs: &[Run]) -> String {
    let configs: Vec<_> = runs.iter().map(|run| &run.config).collect();
    let title = match runs {
        [run] => run.name.clone(),
        several => format!("{} runs", several.len()),
    };
    let page = Page {
        title,
        css: include_str!("../templates/page.css"),
        rules: rules(runs.len()),
        script: include_str!("../templates/page.js"),
        data: data(runs),
        runs: runs.iter().enumerate().map(RunView::new).collect(),
        curves: curves::all(runs),
        differences: differences(&configs),
    };
    page.render()
        .expect("the template is checked when it is compiled, and memory takes it")
}

fn rules(runs: usize) -> String {
    let mut rules = String::new();
    for run in 0..runs {
        let colour = run % COLOURS;
        write!(
            rules,
            ".run-{run}{{--run:var(--c{colour})}}body:has(#show-{run}:not(:checked)) svg .run-{run}{{display:none}}"
        )
        .expect("a string takes all");
    }
    rules
}

/// Every line of `metrics.jsonl`, as it is there.
fn data(runs: &[Run]) -> String {
    let runs: Vec<_> = runs
        .iter()
        .map(|run| json!({ "name": run.name, "epochs": run.history }))
        .collect();
    // In JSON it stands in texts alone, and there it may be written so; as it is, it could end the element.
    json!({ "runs": runs }).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{ClassRecord, EvaluationRecord, Mistake, PrecisionRecall};
    use crate::record::testing::record;
    use crate::record::{Best, Metrics, Summary};

    fn run(name: &str, lr: f64, epochs: usize) -> Run {
        let config = format!(
            "[model]\narch = 'lenet5'\n[data]\nname = 'glyphs'\n[optimizer]\nlr = {lr:?}\n[train]\nepochs = 3\n"
        );
        let mut history: Vec<_> = (1..=epochs).map(record).collect();
        history.iter_mut().for_each(|record| record.lr = lr);
        Run {
            name: name.to_owned(),
            config: config.parse().expect("TOML"),
            history,
            summary: None,
            evaluation: None,
            machines: Vec::new(),
        }
    }

    fn evaluation(classes: usize) -> EvaluationRecord {
        let scores = PrecisionRecall {
            samples: 4,
            precision: 75.0,
            recall: 50.0,
            f1: 60.0,
        };
        EvaluationRecord {
            epoch: 2,
            samples: 4 * classes,
            scores: Metrics {
                loss: 1.0,
                top1: 50.0,
                top5: 100.0,
            },
            calibration_error: 1.25,
            per_class: (0..classes)
                .map(|class| ClassRecord {
                    class: format!("<class {class}>"),
                    scores,
                })
                .collect(),
            confusion: (0..classes)
                .map(|row| {
                    (0..classes)
                        .map(|column| match column {
                            same if same == row => 2,
                            next if next == (row + 1) % classes => 2,
                            _ => 0,
                        })
                        .collect()
                })
                .collect(),
            mistakes: vec![Mistake {
                index: 17,
                label: 0,
                predicted: 1,
                probability: 0.9876,
                label_probability: 0.0001,
                loss: 9.21,
                image: "data:image/png;base64,AAAA".to_owned(),
            }],
        }
    }

    #[test]
    fn nothing_that_a_run_says_becomes_markup() {
        let mut nasty = run("</script><u>\"&'", 0.1, 2);
        nasty.evaluation = Some(evaluation(3));
        nasty
            .config
            .insert("name".to_owned(), "<i>config</i>".into());
        let page = page(&[nasty]);
        for markup in ["<u>", "<i>", "<class"] {
            assert!(!page.contains(markup), "{markup}");
        }
        assert_eq!(page.matches("</script>").count(), 2, "the page's own two");
    }

    #[test]
    fn a_page_asks_for_nothing_from_outside() {
        let mut whole = run("a", 0.1, 2);
        whole.evaluation = Some(evaluation(3));
        let page = page(&[whole, run("b", 0.2, 1)]);
        for outside in [
            "http://",
            "https://",
            "url(",
            "@import",
            "<link rel=\"stylesheet",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn the_data_are_the_metrics() {
        let runs = [run("a", 0.1, 3), run("b", 0.2, 1)];
        let page = page(&runs);
        let start = page.find("id=\"data\">").expect("there") + "id=\"data\">".len();
        let end = start + page[start..].find("</script>").expect("its end");
        let data: serde_json::Value = serde_json::from_str(&page[start..end]).expect("JSON");
        let expected = serde_json::to_value(&runs[0].history).expect("JSON");
        assert_eq!(data["runs"][0]["epochs"], expected);
        assert_eq!(data["runs"][1]["name"], "b");
    }

    #[test]
    fn runs_are_compared_where_they_differ() {
        let two = page(&[run("low", 0.1, 2), run("high", 0.2, 2)]);
        assert!(two.contains("What differs"));
        assert!(
            two.contains("<th scope=\"row\">optimizer.lr</th><td>0.1</td><td>0.2</td>"),
            "{two}"
        );
        assert!(!two.contains("<th scope=\"row\">model.arch</th>"));
        let one = page(&[run("low", 0.1, 2)]);
        assert!(!one.contains("What differs"));
        // A run of which nothing is known but its settings.
        let begun = page(&[run("begun", 0.1, 0)]);
        assert!(begun.contains("epoch 0 of 3"), "{begun}");
        assert!(!begun.contains("<svg"));
    }

    #[test]
    fn a_finished_run_shows_its_numbers() {
        let mut done = run("done", 0.1, 3);
        let valid = done.history[2].valid;
        done.summary = Some(Summary {
            model: "lenet5".to_owned(),
            dataset: "glyphs".to_owned(),
            epochs: 3,
            params: 61_706,
            valid,
            best: Best {
                epoch: 2,
                valid: Metrics {
                    loss: 0.5,
                    top1: 98.765,
                    top5: 100.0,
                },
            },
            best_ema: None,
            images_per_second: 1234.4,
            seconds: 75.0,
        });
        let page = page(&[done]);
        for text in [
            "61,706",
            "98.77",
            "12.50",
            "0.7500",
            "1,234",
            "1 min 15 s",
            "finished",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn few_classes_are_a_table_and_many_a_image() {
        let mut few = run("few", 0.1, 2);
        few.evaluation = Some(evaluation(3));
        let few = page(&[few]);
        assert!(few.contains("<table class=\"confusion\">") && !few.contains("class=\"heat\""));
        assert!(few.contains("98.76 %") && few.contains("image 17"), "{few}");
        let mut many = run("many", 0.1, 2);
        many.evaluation = Some(evaluation(30));
        let many = page(&[many]);
        assert!(!many.contains("<table class=\"confusion\">") && many.contains("class=\"heat\""));
    }
}
