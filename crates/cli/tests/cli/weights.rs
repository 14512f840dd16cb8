//! import, export and fetch.

use std::path::Path;

use crate::common::{
    TINY, answer, folder, metrics, read, refuse, server, succeed, trained, write, zoo,
};

#[test]
fn weights_go_to_safetensors_and_back() {
    let folder = trained();
    let best = "runs/tiny/best.bpk";
    let model = "lenet5_modern";
    let exported = succeed(
        folder.path(),
        &["export", model, best, "-o", "out.safetensors", "--json"],
    )
    .json();
    assert_eq!(exported["format"], "burnpack");
    assert_eq!(exported["loaded"], 10);
    assert_eq!(exported["parameters"], 61_706);
    let text = succeed(
        folder.path(),
        &["import", model, "out.safetensors", "-o", "back.bpk"],
    )
    .stdout;
    assert!(
        text.contains("back.bpk: 10 tensors, 61,706 parameters"),
        "{text}"
    );

    let eval = |weights: &'static str| {
        let arguments = [
            "eval",
            "--model",
            model,
            "--weights",
            weights,
            "--data",
            "glyphs",
            "--json",
        ];
        let mut scores = succeed(folder.path(), &arguments).json();
        for clock in ["seconds", "images_per_second", "weights"] {
            scores.as_object_mut().expect("an object").remove(clock);
        }
        scores
    };
    // The statistics of glyphs are not those of MNIST, which the imported file names as the model's own.
    let own = ["--mean", "0.699", "--std", "0.22", "--overwrite"];
    let arguments = [
        &["import", model, "out.safetensors", "-o", "back.bpk"],
        own.as_slice(),
    ]
    .concat();
    succeed(folder.path(), &arguments);
    let imported = eval("back.bpk");
    let original = succeed(
        folder.path(),
        &[
            "import", model, best, "-o", "best.bpk", "--mean", "0.699", "--std", "0.22",
        ],
    );
    assert!(
        original.stdout.contains("mean [0.699]"),
        "{}",
        original.stdout
    );
    assert_eq!(
        imported,
        eval("best.bpk"),
        "the way through safetensors changes nothing"
    );
    assert!(
        imported["top1"].as_f64().is_some_and(|top1| top1 > 0.0),
        "{imported}"
    );
    let before = read(folder.path().join("back.bpk"));

    let wrong: [(&[&str], &[&str]); 8] = [
        (
            &["import", model, best, "-o", "back.bpk"],
            &["back.bpk", "exists", "--overwrite"],
        ),
        (
            &["import", model, best, "-o", "back.pth"],
            &["back.pth", ".bpk", ".safetensors"],
        ),
        (
            &["import", model, best, "-o", "nowhere/back.bpk"],
            &["nowhere/back.bpk", "cannot be written"],
        ),
        (
            &["import", model, "none.pth", "-o", "a.bpk"],
            &["none.pth", "cannot be read"],
        ),
        (
            &["import", "lenet5_moder", best, "-o", "a.bpk"],
            &["did you mean lenet5_modern?"],
        ),
        (
            &["import", "resnet20", best, "-o", "a.bpk"],
            &[best, "weights of lenet5_modern, not of resnet20"],
        ),
        (
            &[
                "import", model, best, "-o", "a.bpk", "--mean", "0.1,0.2", "--std", "1,1",
            ],
            &["--mean", "1 values"],
        ),
        (
            &["export", model, best, "-o", "a.bpk"],
            &["a.bpk", ".safetensors"],
        ),
    ];
    for (arguments, parts) in wrong {
        refuse(folder.path(), arguments, parts);
    }
    refuse(
        folder.path(),
        &["import", "resnet20", "out.safetensors", "-o", "a.bpk"],
        &["weights of lenet5_modern, not of resnet20"],
    );
    assert!(!folder.path().join("a.bpk").exists());
    assert_eq!(read(folder.path().join("back.bpk")), before);
}

fn fetch(folder: &Path, mirror: &str, model: &str) -> (Option<i32>, String) {
    let output = zoo(folder)
        .args(["fetch", model])
        .env("BURN_ZOO_MIRROR", mirror)
        .env_remove("BURN_ZOO_WEIGHTS")
        .output()
        .expect("the binary starts");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(text).expect("UTF-8"),
    )
}

#[test]
fn weights_that_do_not_arrive_are_said_to_and_leave_nothing() {
    let folder = folder();
    let wrong = server(|_| answer("200 OK", "", b"another file"));
    let missing = server(|_| answer("404 Not Found", "", b""));
    for (mirror, part) in [
        (&wrong, "sha256"),
        (&missing, "404"),
        (&"http://127.0.0.1:9".to_owned(), "127.0.0.1:9"),
    ] {
        let (code, text) = fetch(folder.path(), mirror, "resnet20");
        assert_eq!(code, Some(2), "{text}");
        for part in [
            part,
            "resnet20-12fca82f.th",
            "12fca82f…",
            "zoo fetch resnet20",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let left: Vec<_> = std::fs::read_dir(folder.path().join("weights"))
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| !name.starts_with('.'))
            .collect();
        assert_eq!(left, [""; 0]);
    }
    let (code, text) = fetch(folder.path(), &wrong, "plain18");
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("plain18") && text.contains("resnet50"),
        "{text}"
    );
}

/// `BURN_ZOO_DATA` names a folder with the published checkpoint.
#[test]
fn published_weights_arrive_are_imported_and_are_not_fetched_twice() {
    let Some(root) = std::env::var_os("BURN_ZOO_DATA").filter(|root| !root.is_empty()) else {
        eprintln!("skipped: BURN_ZOO_DATA is unset");
        return;
    };
    let folder = folder();
    let checkpoint = read(Path::new(&root).join("checkpoints/resnet20-12fca82f.th"));
    let mirror = server(move |_| answer("200 OK", "", &checkpoint));
    let (code, text) = fetch(folder.path(), &mirror, "resnet20");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("weights/resnet20.bpk"), "{text}");
    assert!(!folder.path().join("weights/resnet20-12fca82f.th").exists());
    let (code, text) = fetch(folder.path(), "http://127.0.0.1:9", "resnet20");
    assert_eq!(code, Some(0), "it is there already: {text}");

    write(folder.path(), "images/readme.txt", "no image");
    let seven = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/seven.png");
    let predict = [
        "predict",
        "--model",
        "resnet20",
        "--weights",
        "weights/resnet20.bpk",
        seven,
        "--json",
    ];
    let seen = succeed(folder.path(), &predict).json();
    assert_eq!(
        seen["predictions"][0]["classes"].as_array().map(Vec::len),
        Some(5)
    );
}

/// A run that starts from another run's weights: the backbone is theirs, the head new where the classes are others.
#[test]
fn a_run_starts_from_weights() {
    let folder = trained();
    write(folder.path(), "tiny.toml", TINY);
    let weights = "model.weights=runs/tiny/best.bpk";
    let first = metrics(&folder.path().join("runs/tiny"))[0]["train"]["loss"].clone();
    let further = ["train", "tiny.toml", "--out", "further", "--set", weights];
    succeed(folder.path(), &further);
    let started = metrics(&folder.path().join("further"))[0]["train"]["loss"].clone();
    let (first, started) = (
        first.as_f64().expect("a number"),
        started.as_f64().expect("a number"),
    );
    assert!(
        started < first,
        "from weights {started}, from nothing {first}"
    );

    refuse(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--out",
            "c",
            "--set",
            "model.weights=none.bpk",
        ],
        &["none.bpk", "cannot be read"],
    );
    refuse(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--out",
            "c",
            "--set",
            weights,
            "--set",
            "model.arch=lenet5",
        ],
        &["weights of lenet5_modern, not of lenet5"],
    );
    assert!(!folder.path().join("c").exists());
    refuse(
        folder.path(),
        &["eval", "runs/tiny", "--ema"],
        &["no averaged weights", "[ema]"],
    );
}

#[test]
fn averaged_weights_are_scored() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let train = [
        "train",
        "tiny.toml",
        "--out",
        "run",
        "--set",
        "ema.decay=0.9",
        "--json",
    ];
    let summary = succeed(folder.path(), &train).json();
    let eval = succeed(folder.path(), &["eval", "run", "--ema", "--json"]).json();
    let (trained, scored) = (&summary["best_ema"]["loss"], &eval["loss"]);
    let off = trained.as_f64().expect("a number") - scored.as_f64().expect("a number");
    assert!(off.abs() < 1e-5, "trained {trained}, scored {scored}");
    assert_ne!(summary["best"]["loss"], summary["best_ema"]["loss"]);
}
