//! The commands that show: models, summary, devices, config, data list, inspect and preview.

mod common;

use common::{TINY, folder, refuse, run, succeed, write};

#[test]
fn models_are_listed_by_pattern() {
    let folder = folder();
    let all = succeed(folder.path(), &["models", "--json"]).json();
    let all = all.as_array().expect("a list");
    for name in [
        "lenet5",
        "lenet5_modern",
        "resnet18",
        "resnet50_paper",
        "resnet110",
        "plain34",
        "cifar_resnet50",
    ] {
        assert!(all.iter().any(|model| model["name"] == name), "{name}");
    }
    let resnet50 = all
        .iter()
        .find(|model| model["name"] == "resnet50")
        .expect("listed");
    assert_eq!(resnet50["parameters"], 25_557_032);
    assert_eq!(resnet50["input"], serde_json::json!([3, 224, 224]));
    assert_eq!(resnet50["classes"], 1000);
    assert_eq!(resnet50["paper"]["year"], 2015);
    assert_eq!(
        resnet50["preprocessing"]["fit"],
        serde_json::json!({ "kind": "resize_and_crop", "shorter": 256 })
    );

    let some = succeed(folder.path(), &["models", "resnet1?", "--json"]).json();
    let names: Vec<&str> = some
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|model| model["name"].as_str())
        .collect();
    assert_eq!(names, ["resnet18"]);

    let text = succeed(folder.path(), &["models", "lenet5*"]).stdout;
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("61,706"), "{text}");
    refuse(
        folder.path(),
        &["models", "lennet5"],
        &["lennet5", "did you mean lenet5?"],
    );
}

/// Parameters as published: the LeNet-5 and ResNet papers, and torchvision.
const PARAMETERS: [(&str, u64); 22] = [
    ("lenet5", 60_000),
    ("lenet5_modern", 61_706),
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("resnet101", 44_549_160),
    ("resnet152", 60_192_808),
    ("resnet50_paper", 25_557_032),
    ("resnet101_paper", 44_549_160),
    ("resnet152_paper", 60_192_808),
    ("plain18", 11_515_688),
    ("plain34", 21_623_848),
    ("resnet20", 269_722),
    ("resnet32", 464_154),
    ("resnet44", 658_586),
    ("resnet56", 853_018),
    ("resnet110", 1_727_962),
    ("plain20", 269_722),
    ("plain32", 464_154),
    ("plain44", 658_586),
    ("plain56", 853_018),
    ("cifar_resnet18", 11_173_962),
];

#[test]
fn summaries_add_up_to_the_published_parameters() {
    let folder = folder();
    for (name, parameters) in PARAMETERS {
        let summary = succeed(folder.path(), &["summary", name, "--json"]).json();
        assert_eq!(summary["parameters"], parameters, "{name}");
        let layers = summary["layers"].as_array().expect("layers");
        let sum = |key: &str| {
            layers
                .iter()
                .filter_map(|layer| layer[key].as_u64())
                .sum::<u64>()
        };
        assert_eq!(sum("parameters"), parameters, "{name}");
        assert_eq!(summary["multiply_adds"], sum("multiply_adds"), "{name}");
        assert!(
            layers.iter().all(|layer| layer["output"].is_array()),
            "{name}"
        );
    }
    let text = succeed(folder.path(), &["summary", "resnet18"]).stdout;
    for part in ["layer4.1.conv2", "512×7×7", "11,689,512", "1.814 G"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_summary_follows_another_input() {
    let folder = folder();
    let summary = succeed(
        folder.path(),
        &[
            "summary",
            "resnet18",
            "--input",
            "1x64x96",
            "--classes",
            "5",
            "--json",
        ],
    );
    let summary = summary.json();
    assert_eq!(summary["input"], serde_json::json!([1, 64, 96]));
    assert_eq!(
        summary["layers"][0]["output"],
        serde_json::json!([64, 32, 48])
    );
    assert_eq!(summary["classes"], 5);
    let wrong: [(&[&str], &[&str]); 5] = [
        (
            &["summary", "rsnet18"],
            &["rsnet18", "did you mean resnet18?"],
        ),
        (
            &["summary", "lenet5", "--input", "1x28x28"],
            &["32×32", "28×28"],
        ),
        (
            &["summary", "resnet18", "--input", "224"],
            &["--input", "3x224x224"],
        ),
        (&["summary", "resnet18", "--input", "3x0x224"], &["3x0x224"]),
        (&["summary", "resnet18", "--classes", "0"], &["0 classes"]),
    ];
    for (arguments, parts) in wrong {
        refuse(folder.path(), arguments, parts);
    }
}

#[test]
fn devices_are_listed_and_misspelt_ones_refused() {
    let folder = folder();
    let document = succeed(folder.path(), &["devices", "--json"]).json();
    let devices = document["devices"].as_array().expect("devices");
    assert!(
        devices
            .iter()
            .any(|device| device["device"] == "flex" && device["kind"] == "cpu"),
        "{document}"
    );
    let backends = document["backends"].as_array().expect("backends");
    assert_eq!(backends.len(), 9);
    let cuda = backends
        .iter()
        .find(|backend| backend["backend"] == "cuda")
        .expect("cuda could be compiled in");
    let text = succeed(folder.path(), &["devices"]).stdout;
    assert!(text.contains("flex"), "{text}");

    write(folder.path(), "tiny.toml", TINY);
    let train = |device| ["train", "tiny.toml", "--device", device];
    refuse(
        folder.path(),
        &train("felx"),
        &["felx", "did you mean flex?"],
    );
    refuse(folder.path(), &train("flex:7"), &["flex finds 1 device"]);
    refuse(folder.path(), &train("flex:one"), &["\"one\"", "number"]);
    if cuda["compiled_in"] == false {
        assert!(
            text.contains("cargo run --release --features cuda"),
            "{text}"
        );
        refuse(
            folder.path(),
            &train("cuda:0"),
            &["built without cuda", "cargo run --release --features cuda"],
        );
    }
    let done = common::zoo(folder.path())
        .args(["train", "tiny.toml"])
        .env("BURN_DEVICE", "gpu9")
        .output();
    let done = done.expect("the binary starts");
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("BURN_DEVICE gpu9"));
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_run_file_is_printed_with_its_defaults() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    write(
        folder.path(),
        "child.toml",
        "extends = \"tiny.toml\"\nseed = 7\n[train]\nepochs = 5\n",
    );
    let arguments = ["config", "child.toml", "--set", "optimizer.lr=0.5"];
    let text = succeed(folder.path(), &arguments).stdout;
    for line in [
        "seed = 7",
        "epochs = 5",
        "lr = 0.5",
        "arch = \"lenet5_modern\"",
        "on_bad = \"refuse\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    // What is printed is a run file.
    write(folder.path(), "printed.toml", &text);
    assert_eq!(
        succeed(folder.path(), &["config", "printed.toml"]).stdout,
        text
    );
}

#[test]
fn mistakes_in_a_run_file_are_named() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let wrong: [(&str, &[&str]); 12] = [
        ("data.batch_size=0", &["data.batch_size", "found 0"]),
        (
            "data.batchsize=1",
            &["batchsize", "did you mean `batch_size`?"],
        ),
        ("optimizer.lr=nan", &["optimizer.lr", "nan"]),
        ("optimizer.lr=-1", &["optimizer.lr", "-1"]),
        ("optimizer.lr=fast", &["optimizer", "fast"]),
        ("optimizer.kind=sdg", &["sdg", "did you mean `sgd`?"]),
        ("train.epochs=0", &["train.epochs", "found 0"]),
        ("model.arch=resnt20", &["resnt20", "did you mean resnet20?"]),
        (
            "model.arch=lenet5_modren",
            &["lenet5_modren", "did you mean lenet5_modern?"],
        ),
        ("data.name=glyhps", &["glyhps", "did you mean \"glyphs\"?"]),
        ("modle.arch=lenet5", &["modle", "did you mean `model`?"]),
        ("seed", &["seed", "key=value"]),
    ];
    for (assignment, parts) in wrong {
        refuse(
            folder.path(),
            &["config", "tiny.toml", "--set", assignment],
            parts,
        );
        refuse(
            folder.path(),
            &["train", "tiny.toml", "--set", assignment],
            parts,
        );
    }
    assert!(
        !folder.path().join("runs").exists(),
        "nothing is written before the run file is right"
    );

    write(folder.path(), "broken.toml", "[model\narch = 1\n");
    refuse(
        folder.path(),
        &["config", "broken.toml"],
        &["broken.toml:1", "TOML"],
    );
    write(
        folder.path(),
        "typed.toml",
        TINY.replace("epochs = 2", "epochs = \"two\""),
    );
    refuse(
        folder.path(),
        &["config", "typed.toml"],
        &["typed.toml", "train.epochs"],
    );
    refuse(
        folder.path(),
        &["config", "missing.toml"],
        &["missing.toml"],
    );
    refuse(folder.path(), &["config", "."], &["."]);
}

#[test]
fn data_sets_are_listed_and_misspelt_ones_refused() {
    let folder = folder();
    let list = succeed(folder.path(), &["data", "list", "--json"]).json();
    let names: Vec<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|set| set["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "glyphs",
            "mnist",
            "fashion_mnist",
            "cifar10",
            "cifar100",
            "tiny_imagenet",
            "image_folder"
        ]
    );
    refuse(
        folder.path(),
        &["data", "inspect", "mnits"],
        &["mnits", "did you mean \"mnist\"?"],
    );
    refuse(
        folder.path(),
        &["data", "fetch", "cifar-1O"],
        &["did you mean \"cifar10\"?"],
    );
    refuse(folder.path(), &["data", "fetch", "glyphs"], &["glyphs"]);
    let missing = refuse(
        folder.path(),
        &["data", "inspect", "mnist", "--root", "nowhere"],
        &["mnist", "nowhere"],
    );
    assert!(
        missing.stderr.contains("zoo data fetch mnist"),
        "{}",
        missing.stderr
    );
}

#[test]
fn inspection_counts_classes_and_names_damaged_files() {
    let folder = folder();
    for (class, value) in [("cats", 0_u8), ("dogs", 255)] {
        for (split, count) in [("train", 3), ("val", 2)] {
            for index in 0..count {
                let path = folder
                    .path()
                    .join(format!("set/{split}/{class}/{index}.png"));
                std::fs::create_dir_all(path.parent().expect("below the folder"))
                    .expect("writable");
                let color = image::Rgb([value, 128, 0]);
                image::RgbImage::from_pixel(8, 6, color)
                    .save(path)
                    .expect("writable");
            }
        }
    }
    write(
        folder.path(),
        "set/train/cats/text.jpg",
        "this is no picture",
    );
    let report = succeed(
        folder.path(),
        &["data", "inspect", "image_folder", "--root", "set", "--json"],
    )
    .json();
    assert_eq!(
        report["classes"],
        serde_json::json!([
            { "class": "cats", "train": 3, "valid": 2 },
            { "class": "dogs", "train": 3, "valid": 2 }
        ])
    );
    assert_eq!(report["train"]["pictures"], 7);
    assert_eq!(report["train"]["sizes"]["6×8×3"], 6);
    let damaged = report["train"]["damaged"].as_array().expect("a list");
    assert_eq!(damaged.len(), 1);
    assert!(damaged[0].as_str().expect("a message").contains("text.jpg"));
    // Half of the red values are 0 and half are 1, all green ones 128 / 255.
    let close = |value: &serde_json::Value, expected: f64| {
        assert!(
            (value.as_f64().expect("a number") - expected).abs() < 1e-6,
            "{value} {expected}"
        );
    };
    let (mean, std) = (&report["train"]["mean"], &report["train"]["std"]);
    close(&mean[0], 0.5);
    close(&std[0], 0.5);
    close(&mean[1], 128.0 / 255.0);
    close(&std[1], 0.0);

    let text = succeed(
        folder.path(),
        &["data", "inspect", "image_folder", "--root", "set"],
    )
    .stdout;
    assert!(
        text.contains("damaged:") && text.contains("text.jpg"),
        "{text}"
    );
}

#[test]
fn a_preview_is_a_sheet_of_pictures() {
    let folder = folder();
    let report = succeed(
        folder.path(),
        &["data", "preview", "glyphs", "-n", "9", "--json"],
    )
    .json();
    assert_eq!(report["pictures"], 9);
    let sheet = image::open(folder.path().join("sheet.png")).expect("a picture");
    // Three rows of 32 pixels with gaps of 2.
    assert_eq!((sheet.width(), sheet.height()), (100, 100));

    write(folder.path(), "tiny.toml", TINY);
    let augmented = [
        "data",
        "preview",
        "--config",
        "tiny.toml",
        "--set",
        "augment.crop=pad",
        "-n",
        "4",
    ];
    let with = |seed| {
        let arguments: Vec<&str> = augmented
            .iter()
            .copied()
            .chain(["--seed", seed, "-o", "a.png"])
            .collect();
        succeed(folder.path(), &arguments);
        std::fs::read(folder.path().join("a.png")).expect("written")
    };
    assert_eq!(with("1"), with("1"), "the same seed gives the same sheet");
    assert_ne!(with("1"), with("2"));

    refuse(
        folder.path(),
        &["data", "preview", "glyphs", "-o", "no/such/folder/a.png"],
        &["no/such/folder/a.png"],
    );
    refuse(
        folder.path(),
        &["data", "preview", "glyphs", "-n", "0"],
        &["--count", "0"],
    );
    let both = run(
        folder.path(),
        &["data", "preview", "glyphs", "--config", "tiny.toml"],
    );
    assert_eq!(both.code, 2);
}
