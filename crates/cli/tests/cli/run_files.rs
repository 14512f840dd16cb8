//! config, and what is wrong with a run file or a device.

use crate::common::{TINY, folder, refuse, succeed, write};

#[test]
fn devices_are_listed_and_misspelt_ones_refused() {
    let folder = folder();
    let document = succeed(folder.path(), &["devices", "--json"]).json();
    let devices = document["devices"].as_array().expect("devices");
    let flex = devices.iter().find(|device| device["device"] == "flex");
    let flex = flex.unwrap_or_else(|| panic!("{document}"));
    assert_eq!(flex["kind"], "cpu");
    assert_eq!(flex["precisions"][0], "f32");
    assert_eq!(flex["features"][0], "flex");
    // No driver speaks for a CPU.
    assert!(flex["driver"].is_null() && flex["memory_bytes"].is_null());
    let backends = document["backends"].as_array().expect("backends");
    assert_eq!(backends.len(), 9);
    let cuda = backends
        .iter()
        .find(|backend| backend["backend"] == "cuda")
        .expect("cuda could be compiled in");
    let text = succeed(folder.path(), &["devices"]).stdout;
    assert!(text.contains("flex"), "{text}");
    if devices.iter().all(|device| device["kind"] == "cpu") {
        let advice = document["advice"].as_str().expect("what is missing");
        assert!(text.contains("no GPU was found"), "{text}");
        assert!(text.contains(advice), "{text}");
    }

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
    let done = crate::common::zoo(folder.path())
        .args(["train", "tiny.toml"])
        .env("BURN_DEVICE", "gpu9")
        .output();
    let done = done.expect("the binary starts");
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("BURN_DEVICE gpu9"));
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_batch_size_is_sought_on_a_gpu_only() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let auto = [
        "train",
        "tiny.toml",
        "--set",
        "data.batch_size=auto",
        "--device",
        "flex",
    ];
    refuse(
        folder.path(),
        &auto,
        &["data.batch_size", "\"auto\" is for GPUs", "such as 128"],
    );
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
    for line in [
        "# train.accumulate: 1",
        "# data.resize: none",
        "# ema.decay: off",
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
    let wrong: [(&str, &[&str]); 13] = [
        ("data.batch_size=0", &["data.batch_size", "found 0"]),
        ("data.batch_size=all", &["\"all\"", "or \"auto\""]),
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
