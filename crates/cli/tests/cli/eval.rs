//! eval and predict.

use serde_json::Value;

use crate::common::{TINY, folder, read, refuse, run, succeed, trained, write};

#[test]
fn an_evaluation_repeats_the_best_validation() {
    let folder = trained();
    let run = folder.path().join("runs/tiny");
    let summary: Value = serde_json::from_slice(&read(run.join("summary.json"))).expect("JSON");
    let report = succeed(folder.path(), &["eval", "runs/tiny", "--json"]).json();
    assert_eq!(report["model"], "lenet5_modern");
    assert_eq!(report["dataset"], "glyphs");
    assert_eq!(report["samples"], 32);
    assert_eq!(report["top1"], summary["best"]["top1"]);
    let (ours, theirs) = (
        report["loss"].as_f64().unwrap(),
        summary["best"]["loss"].as_f64().unwrap(),
    );
    assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");

    let text = succeed(
        folder.path(),
        &["eval", "runs/tiny", "--batch-size", "5", "--workers", "0"],
    )
    .stdout;
    assert!(
        text.contains("lenet5_modern (runs/tiny/best.bpk) on glyphs: loss"),
        "{text}"
    );

    let model = [
        "eval",
        "--model",
        "lenet5_modern",
        "--weights",
        "runs/tiny/best.bpk",
        "--data",
        "glyphs",
        "--json",
    ];
    let report = succeed(folder.path(), &model).json();
    assert_eq!(report["weights"], "runs/tiny/best.bpk");
    assert!(
        report["samples"].as_u64().expect("a number") > 32,
        "the whole validation split"
    );
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = trained();
    let weights = read(folder.path().join("runs/tiny/best.bpk"));
    write(folder.path(), "cut.bpk", &weights[..weights.len() / 2]);
    write(folder.path(), "text.bpk", "no weights");
    let eval = |model: &'static str, weights: &'static str| {
        [
            "eval",
            "--model",
            model,
            "--weights",
            weights,
            "--data",
            "glyphs",
        ]
    };
    let best = "runs/tiny/best.bpk";
    refuse(
        folder.path(),
        &eval("resnet20", best),
        &[best, "weights of lenet5_modern, not of resnet20"],
    );
    refuse(
        folder.path(),
        &eval("lenet5", best),
        &[best, "weights of lenet5_modern, not of lenet5"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_moder", best),
        &["did you mean lenet5_modern?"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "cut.bpk"),
        &["cut.bpk", "not a whole burnpack file"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "text.bpk"),
        &["text.bpk", "found text", "expected weights"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "none.bpk"),
        &["none.bpk", "cannot be read"],
    );
    refuse(folder.path(), &eval("lenet5_modern", "runs"), &["runs"]);
    refuse(
        folder.path(),
        &["eval", "nowhere"],
        &["nowhere", "not a run folder"],
    );
    refuse(
        folder.path(),
        &["eval", "runs/tiny", "--batch-size", "0"],
        &["--batch-size"],
    );

    // A run folder whose weights are of another network.
    succeed(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--set",
            "model.arch=lenet5",
            "--out",
            "other",
        ],
    );
    std::fs::copy(
        folder.path().join("other/best.bpk"),
        folder.path().join(best),
    )
    .expect("writable");
    refuse(
        folder.path(),
        &["eval", "runs/tiny"],
        &["best.bpk", "weights of lenet5, not of lenet5_modern"],
    );
    std::fs::remove_file(folder.path().join(best)).expect("writable");
    refuse(
        folder.path(),
        &["eval", "runs/tiny"],
        &["best.bpk", "--resume"],
    );
}

#[test]
fn predictions_name_classes_and_probabilities() {
    let folder = trained();
    let digit = folder.path().join("images/some/digit.png");
    std::fs::create_dir_all(digit.parent().expect("below")).expect("writable");
    image::GrayImage::from_fn(32, 32, |x, _| {
        image::Luma([if (14..18).contains(&x) { 255 } else { 0 }])
    })
    .save(&digit)
    .expect("writable");
    image::RgbImage::from_pixel(70, 50, image::Rgb([9, 80, 200]))
        .save(folder.path().join("images/photo.jpg"))
        .expect("writable");

    let report = succeed(folder.path(), &["predict", "runs/tiny", "images", "--json"]).json();
    let predictions = report["predictions"].as_array().expect("a list");
    assert_eq!(predictions.len(), 2);
    for prediction in predictions {
        let classes = prediction["classes"].as_array().expect("a list");
        assert_eq!(classes.len(), 5);
        let probabilities: Vec<f64> = classes
            .iter()
            .map(|class| class["probability"].as_f64().expect("a number"))
            .collect();
        assert!(
            probabilities.is_sorted_by(|a, b| a >= b),
            "{probabilities:?}"
        );
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    }
    let all = succeed(
        folder.path(),
        &[
            "predict",
            "runs/tiny",
            "images/some/digit.png",
            "-k",
            "99",
            "--json",
        ],
    )
    .json();
    let classes = all["predictions"][0]["classes"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(classes.len(), 10, "no more than there are");
    let sum: f64 = classes
        .iter()
        .filter_map(|class| class["probability"].as_f64())
        .sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");

    let text = succeed(
        folder.path(),
        &["predict", "runs/tiny", "images/*.jpg", "-k", "1"],
    )
    .stdout;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("images/photo.jpg"), "{text}");

    let csv = succeed(
        folder.path(),
        &["predict", "runs/tiny", "images", "-k", "2", "--csv"],
    )
    .stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * 2, "{csv}");
    assert_eq!(lines[0], "image,rank,class,index,probability");
    let best = &predictions[0]["classes"][0];
    let expected = format!(
        "images/photo.jpg,1,{},{},{}",
        best["class"].as_str().expect("a name"),
        best["index"],
        best["probability"].as_f64().expect("a number") as f32
    );
    assert_eq!(lines[1], expected);
    let both = run(
        folder.path(),
        &["predict", "runs/tiny", "images", "--csv", "--json"],
    );
    assert_eq!(both.code, 2, "{}", both.stdout);

    let weights = [
        "predict",
        "--model",
        "lenet5_modern",
        "--weights",
        "runs/tiny/best.bpk",
    ];
    let with = |more: &[&'static str]| {
        weights
            .iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };
    let unnamed = succeed(folder.path(), &with(&["images", "--json"])).json();
    assert!(
        unnamed["predictions"][0]["classes"][0]["class"]
            .as_str()
            .expect("a name")
            .starts_with("class ")
    );
    let named = succeed(
        folder.path(),
        &with(&["--data", "glyphs", "images", "--json"]),
    )
    .json();
    assert_eq!(
        named["predictions"], report["predictions"],
        "the data set's names and statistics"
    );
}

#[test]
fn images_that_cannot_be_read_are_named() {
    let folder = trained();
    let good = folder.path().join("good.png");
    image::GrayImage::new(32, 32).save(&good).expect("writable");
    let bytes = read(&good);
    write(folder.path(), "cut.png", &bytes[..bytes.len() / 2]);
    write(folder.path(), "text.jpg", "this is no image");
    std::fs::create_dir(folder.path().join("empty")).expect("writable");

    let predict = |images: &[&'static str]| {
        ["predict", "runs/tiny"]
            .iter()
            .copied()
            .chain(images.iter().copied())
            .collect::<Vec<_>>()
    };
    refuse(
        folder.path(),
        &predict(&["good.png", "cut.png"]),
        &["cut.png", "--skip-bad"],
    );
    refuse(folder.path(), &predict(&["text.jpg"]), &["text.jpg"]);
    refuse(
        folder.path(),
        &predict(&["text.jpg", "--skip-bad"]),
        &["none of the images"],
    );
    refuse(folder.path(), &predict(&["none.jpg"]), &["none.jpg"]);
    refuse(folder.path(), &predict(&["*.gif"]), &["*.gif"]);
    refuse(folder.path(), &predict(&["empty"]), &["empty", "no image"]);
    refuse(folder.path(), &predict(&[]), &["no image is named"]);
    refuse(
        folder.path(),
        &["predict", "good.png", "good.png"],
        &["good.png is not a run folder"],
    );
    let done = run(
        folder.path(),
        &predict(&["good.png", "cut.png", "text.jpg", "--skip-bad", "--json"]),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.json()["predictions"].as_array().map(Vec::len), Some(1));
    assert_eq!(done.json()["left_out"].as_array().map(Vec::len), Some(2));
    assert!(
        done.stderr.contains("cut.png") && done.stderr.contains("text.jpg"),
        "{}",
        done.stderr
    );
}

#[test]
fn classes_are_told_apart_one_by_one() {
    let folder = trained();
    let eval = succeed(
        folder.path(),
        &["eval", "runs/tiny", "--per-class", "--json"],
    )
    .json();
    let classes = eval["per_class"].as_array().expect("a list");
    assert_eq!(classes.len(), 10);
    let images: u64 = classes
        .iter()
        .map(|c| c["samples"].as_u64().expect("a count"))
        .sum();
    assert_eq!(images, eval["samples"].as_u64().expect("a count"));
    let confusion = eval["confusion"].as_array().expect("a matrix");
    let right: u64 = (0..10)
        .map(|class| confusion[class][class].as_u64().expect("a count"))
        .sum();
    let top1 = 100.0 * right as f64 / images as f64;
    assert!((top1 - eval["top1"].as_f64().expect("a number")).abs() < 1e-9);
    let error = eval["calibration_error"].as_f64().expect("a number");
    assert!((0.0..=100.0).contains(&error), "{error}");

    let text = succeed(folder.path(), &["eval", "runs/tiny", "--per-class"]).stdout;
    for part in ["calibration error", "precision", "recall", "F1"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(text.lines().count(), 14, "{text}");
}

#[test]
fn several_views_of_a_image_are_averaged() {
    let folder = folder();
    let colours = TINY
        .replace("lenet5_modern", "cifar_resnet18")
        .replace("train_size = 64", "train_size = 16")
        .replace("valid_size = 32", "valid_size = 8")
        .replace("epochs = 2", "epochs = 1")
        .replace(
            "batch_size = 16",
            "batch_size = 8\nsize = 24\nfit = \"resize\"\nresize = 28",
        );
    write(folder.path(), "views.toml", colours);
    succeed(folder.path(), &["train", "views.toml", "--out", "run"]);
    let loss = |more: &[&str]| {
        let arguments: Vec<&str> = ["eval", "run", "--json"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let report = succeed(folder.path(), &arguments).json();
        assert_eq!(report["samples"], 8, "{more:?}");
        report["loss"].as_f64().expect("a number")
    };
    let losses = [
        loss(&[]),
        loss(&["--flip"]),
        loss(&["--ten-crop"]),
        loss(&["--dense", "28"]),
        loss(&["--dense", "28,32", "--flip"]),
    ];
    for (i, a) in losses.iter().enumerate() {
        assert!(
            losses[..i].iter().all(|b| (a - b).abs() > 1e-7),
            "{losses:?}"
        );
    }
    refuse(
        folder.path(),
        &["eval", "run", "--ten-crop", "--flip"],
        &["--ten-crop", "--flip"],
    );

    let tiny = trained();
    refuse(
        tiny.path(),
        &["eval", "runs/tiny", "--ten-crop"],
        &["ten crops", "32×32"],
    );
    refuse(
        tiny.path(),
        &["eval", "runs/tiny", "--dense", "40"],
        &["lenet5_modern", "--dense"],
    );
}
