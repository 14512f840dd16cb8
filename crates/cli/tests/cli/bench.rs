//! `zoo bench`.

use serde_json::Value;

use crate::common::{folder, refuse, succeed};

const QUICK: [&str; 6] = ["--batch-size", "2", "--steps", "1", "-d", "flex"];

#[test]
fn a_line_for_each_model() {
    let folder = folder();
    let bench = |more: &[&str]| -> Vec<Value> {
        let arguments = [&["bench", "--json"], more, &QUICK].concat();
        serde_json::from_str(&succeed(folder.path(), &arguments).stdout).expect("JSON")
    };
    let speeds = bench(&["lenet5", "lenet5_modern"]);
    assert_eq!(speeds.len(), 2);
    assert_eq!(speeds[1]["model"], "lenet5_modern");
    assert_eq!(speeds[1]["train"], false);
    let number = |speed: &Value, key: &str| speed[key].as_f64().expect("a number");
    let per_second = number(&speeds[0], "images_per_second");
    let product = per_second * number(&speeds[0], "milliseconds");
    assert!((product - 2000.0).abs() < 1.0, "two images per step");
    // As `zoo models` has it, two operations for each.
    let operations = 2.0 * 325_680.0 * per_second / 1e9;
    assert!((number(&speeds[0], "gigaflops") / operations - 1.0).abs() < 1e-6);

    let training = bench(&["lenet5_modern", "--train", "--against", "burn"]);
    assert_eq!(training[0]["train"], true);
    let expected =
        number(&training[0], "images_per_second") / number(&training[0], "burn_images_per_second");
    assert!((number(&training[0], "ratio") / expected - 1.0).abs() < 1e-6);

    let fused = bench(&["resnet20", "--fuse"]);
    assert_eq!(fused[0]["model"], "resnet20");

    let text = succeed(folder.path(), &[&["bench", "lenet5"], &QUICK[..]].concat()).stdout;
    assert!(
        text.contains("images/s") && text.contains("2×1×32×32"),
        "{text}"
    );
}

#[test]
fn a_profile_has_every_layer_and_all_of_the_time() {
    let folder = folder();
    let arguments = [
        &["bench", "--json", "cifar_vgg11_bn", "--train", "--profile"],
        &QUICK[..],
    ];
    let document = succeed(folder.path(), &arguments.concat()).stdout;
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let profile = &document[0]["profile"];
    let operations = profile["operations"].as_array().expect("operations");
    let sum = |key: &str, is_meant: &dyn Fn(&str) -> bool| -> f64 {
        let own = operations.iter().filter(|operation| {
            let name = operation["operation"].as_str().expect("a name");
            is_meant(name)
        });
        own.map(|operation| operation[key].as_f64().expect("a number"))
            .sum()
    };
    // Eight convolutions, five pools; each layer with weights is stepped once.
    assert_eq!(sum("calls", &|name| name == "convolution"), 8.0);
    assert_eq!(
        sum("calls", &|name| name == "convolution, weight gradient"),
        8.0
    );
    assert_eq!(sum("calls", &|name| name == "max-pooling"), 5.0);
    assert!(sum("calls", &|name| name == "descent") >= 18.0);
    assert!((sum("share", &|_| true) - 1.0).abs() < 1e-6);
    assert!(
        (sum("milliseconds", &|_| true) / profile["milliseconds"].as_f64().expect("a number")
            - 1.0)
            .abs()
            < 1e-6
    );
    assert!(profile["gemm_gigaflops"].as_f64().expect("a number") > 0.0);
}

#[test]
fn images_are_measured_whole_and_by_stage() {
    let folder = folder();
    let bench = |more: &[&str]| -> Value {
        let arguments = [&["bench", "--json", "--steps", "1", "-d", "flex"], more].concat();
        serde_json::from_str(&succeed(folder.path(), &arguments).stdout).expect("JSON")
    };
    let set = bench(&["--data", "glyphs", "--valid", "--batch-size", "500"]);
    assert_eq!(
        (&set["split"], &set["pictures"]),
        (&Value::from("valid"), &Value::from(2000))
    );
    let stages = set["stages"].as_array().expect("stages");
    let names: Vec<_> = stages.iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(names, ["read", "decode", "augment", "convert", "upload"]);
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!(
        stages
            .iter()
            .all(|stage| number(&stage["microseconds"]) >= 0.0)
    );
    assert!(
        number(&set["images_per_second"]) > 0.0 && number(&set["images_per_core_second"]) > 0.0
    );

    let run = "[model]\narch = 'lenet5_modern'\n[data]\nname = 'glyphs'\nbatch_size = 25\ntrain_size = 100\nworkers = 1\n\
               [optimizer]\nkind = 'sgd'\nlr = 0.1\n[train]\nepochs = 1\n";
    std::fs::write(folder.path().join("run.toml"), run).expect("a file");
    let run = bench(&["--data", "run.toml", "--workers", "0"]);
    assert_eq!(
        (&run["pictures"], &run["batch_size"], &run["workers"]),
        (&Value::from(100), &Value::from(25), &Value::from(0))
    );
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = folder();
    let folder = folder.path();
    refuse(folder, &["bench", "lenet6"], &["lenet6", "lenet5"]);
    refuse(folder, &["bench"], &["MODEL"]);
    refuse(
        folder,
        &["bench", "lenet5", "--against", "burn", "--no-kernels"],
        &["--no-kernels"],
    );
    refuse(
        folder,
        &["bench", "resnet20", "--fuse", "--train"],
        &["--fuse", "--train"],
    );
    refuse(folder, &["bench", "lenet5", "--steps", "0"], &["--steps"]);
    refuse(
        folder,
        &["bench", "lenet5", "--valid"],
        &["--valid", "MODEL"],
    );
    refuse(
        folder,
        &["bench", "lenet5", "--data", "glyphs"],
        &["--data"],
    );
    refuse(folder, &["bench", "--data", "glyfs"], &["glyfs", "glyphs"]);
}
