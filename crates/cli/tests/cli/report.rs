//! report: the page, its numbers, and the folders that it is made of.

use serde_json::Value;

use crate::common::{CLOCKS, TINY, folder, metrics, read, refuse, succeed, trained, write};

/// What the page's script reads.
fn data(page: &str) -> Value {
    let start = page.find("id=\"data\">").expect("the data") + "id=\"data\">".len();
    let end = start + page[start..].find("</script>").expect("their end");
    serde_json::from_str(&page[start..end]).expect("JSON")
}

#[test]
fn every_run_ends_with_a_page_of_its_numbers() {
    let folder = trained();
    let run = folder.path().join("runs/tiny");
    let page = String::from_utf8(read(run.join("report.html"))).expect("text");
    let mut epochs = data(&page)["runs"][0]["epochs"].take();
    for epoch in epochs.as_array_mut().expect("a list") {
        for clock in CLOCKS {
            epoch.as_object_mut().expect("an object").remove(clock);
        }
    }
    assert_eq!(epochs, Value::Array(metrics(&run)));
    let summary: Value = serde_json::from_slice(&read(run.join("summary.json"))).expect("JSON");
    let best = summary["best"]["top1"].as_f64().expect("a number");
    for text in [
        &format!("<b>{best:.2}</b>"),
        "61,706",
        "finished",
        "lr = 0.02",
        "Burn 0.22",
    ] {
        assert!(page.contains(text), "{text}");
    }

    let machines: Value = serde_json::from_slice(&read(run.join("machine.json"))).expect("JSON");
    assert_eq!(machines.as_array().map(Vec::len), Some(1));
    assert!(machines[0]["started"].as_f64().expect("a time") > 1.7e9);
    assert!(
        machines[0]["device"]
            .as_str()
            .expect("a name")
            .starts_with("flex")
    );
}

#[test]
fn the_evaluation_is_that_of_the_best_weights() {
    let folder = trained();
    let found: Value =
        serde_json::from_slice(&read(folder.path().join("runs/tiny/evaluation.json")))
            .expect("JSON");
    let eval = succeed(
        folder.path(),
        &["eval", "runs/tiny", "--per-class", "--json"],
    )
    .json();
    for key in ["samples", "top1", "top5", "confusion", "per_class"] {
        assert_eq!(found[key], eval[key], "{key}");
    }
    let mistakes = found["mistakes"].as_array().expect("a list");
    let right: u64 = (0..10)
        .map(|class| found["confusion"][class][class].as_u64().expect("a count"))
        .sum();
    let wrong = found["samples"].as_u64().expect("a count") - right;
    assert_eq!(mistakes.len() as u64, wrong.min(24));
    let losses: Vec<f64> = mistakes
        .iter()
        .map(|one| one["loss"].as_f64().expect("a number"))
        .collect();
    assert!(losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
    for mistake in mistakes {
        assert_ne!(mistake["label"], mistake["predicted"]);
        let own = mistake["label_probability"].as_f64().expect("a number");
        assert!((-own.ln() - mistake["loss"].as_f64().expect("a number")).abs() < 1e-9);
        let image = mistake["picture"].as_str().expect("an address");
        assert!(image.starts_with("data:image/png;base64,iVBOR"), "{image}");
    }
}

#[test]
fn runs_are_compared_on_one_page() {
    let folder = trained();
    succeed(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--out",
            "other/tiny",
            "--set",
            "optimizer.lr=0.05",
        ],
    );
    let report = succeed(
        folder.path(),
        &["report", "runs/tiny", "other/tiny", "--json"],
    )
    .json();
    assert_eq!(report["file"], "report.html");
    assert_eq!(
        report["runs"][1]["name"], "other/tiny",
        "two folders of one name"
    );
    assert_eq!(report["runs"][1]["epochs"], 2);
    let page = String::from_utf8(read(folder.path().join("report.html"))).expect("text");
    assert!(page.contains("<th scope=\"row\">optimizer.lr</th><td>0.02</td><td>0.05</td>"));
    assert_eq!(data(&page)["runs"].as_array().map(Vec::len), Some(2));

    let text = succeed(
        folder.path(),
        &["report", "runs/tiny", "runs/../runs/tiny", "-o", "one.html"],
    );
    assert_eq!(text.stdout, "1 run is in one.html\n");
}

#[test]
fn what_is_no_run_is_named() {
    let folder = trained();
    refuse(
        folder.path(),
        &["report", "runs"],
        &["runs is not a run folder", "zoo train"],
    );
    refuse(folder.path(), &["report"], &["<RUN>"]);
    let metrics_file = folder.path().join("runs/tiny/metrics.jsonl");
    let text = String::from_utf8(read(&metrics_file)).expect("text");
    std::fs::write(&metrics_file, text.replacen("\"step\"", "\"stp\"", 1)).expect("writable");
    refuse(
        folder.path(),
        &["report", "runs/tiny"],
        &["metrics.jsonl:1", "missing field `step`"],
    );
    write(folder.path(), "runs/tiny/config.toml", "[model");
    refuse(folder.path(), &["report", "runs/tiny"], &["config.toml"]);
}

#[test]
fn logs_follow_the_run_file() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let quiet = ["--set", "logs.csv=false", "--set", "logs.tensorboard=false"];
    let train = |out: &'static str, more: &[&'static str]| {
        let arguments = ["train", "tiny.toml", "--out", out];
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        succeed(folder.path(), &arguments);
    };
    train("quiet", &quiet);
    let holds = |name: &str| folder.path().join("quiet").join(name).exists();
    assert!(!holds("metrics.csv") && !holds("events.out.tfevents") && holds("metrics.jsonl"));
    // Which logs there are changes no number: a run may go on with others.
    train("quiet", &["--resume"]);
    assert!(holds("metrics.csv") && holds("events.out.tfevents"));
    assert_csv(&folder.path().join("quiet"));
}

/// `metrics.csv` says what `metrics.jsonl` says.
pub(crate) fn assert_csv(run: &std::path::Path) {
    let lines = String::from_utf8(read(run.join("metrics.jsonl"))).expect("text");
    let table = String::from_utf8(read(run.join("metrics.csv"))).expect("text");
    let mut rows = table
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let headings = rows.next().expect("headings");
    assert_eq!(rows.clone().count(), lines.lines().count(), "{table}");
    for (line, row) in lines.lines().zip(rows) {
        let record: Value = serde_json::from_str(line).expect("JSON");
        for (heading, cell) in headings.iter().zip(row) {
            let expected = match heading.split_once('_') {
                Some((pass @ ("train" | "valid" | "ema"), score)) => &record[pass][score],
                _ => &record[heading],
            };
            let expected = expected.as_f64().unwrap_or(0.0);
            let found: f64 = cell.parse().expect("a number");
            assert_eq!(found, expected, "{heading}");
        }
    }
}
