//! models and summary.

use crate::common::{folder, refuse, succeed};

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
fn a_summary_has_memory_and_receptive_fields() {
    let folder = folder();
    let summary = succeed(folder.path(), &["summary", "vgg16", "--json"]).json();
    assert_eq!(summary["receptive_field"], serde_json::json!([212, 212]));
    let first = &summary["layers"][0];
    assert_eq!(first["activation_bytes"], 64 * 224 * 224 * 4);
    assert_eq!(first["receptive_field"], serde_json::json!([3, 3]));
    let text = succeed(folder.path(), &["summary", "vgg16"]).stdout;
    for part in ["activations", "12.2 MiB", "receptive", "212", "image"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_summary_draws_a_figure_and_keeps_what_is_there() {
    let folder = folder();
    let draw = ["summary", "resnet20", "--svg", "figure.svg"];
    succeed(folder.path(), &draw);
    let path = folder.path().join("figure.svg");
    let figure = std::fs::read_to_string(&path).expect("just written");
    assert!(figure.starts_with("<svg ") && figure.ends_with("</svg>\n"));

    std::fs::write(&path, "mine").expect("writable");
    refuse(folder.path(), &draw, &["figure.svg exists", "--overwrite"]);
    assert_eq!(std::fs::read(&path).expect("still there"), b"mine");
    succeed(folder.path(), &[&draw[..], &["--overwrite"]].concat());
    assert_eq!(std::fs::read_to_string(&path).expect("written"), figure);
    let files = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(files, 1, "something is left beside the figure");

    let missing = ["summary", "resnet20", "--svg", "none/figure.svg"];
    refuse(folder.path(), &missing, &["no folder none", "--svg"]);
    refuse(
        folder.path(),
        &["summary", "resnet20", "--svg", "."],
        &["folder"],
    );
    refuse(
        folder.path(),
        &["summary", "resnet20", "--overwrite"],
        &["--svg"],
    );
}
