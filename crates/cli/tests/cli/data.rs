//! data list, inspect, fetch and preview.

use crate::common::{TINY, folder, metrics, refuse, run, succeed, write};

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
            "image_folder",
            "shards"
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
    write(folder.path(), "set/train/cats/text.jpg", "this is no image");
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

/// An image of a few tilted stripes, and one that differs from it by a level here and there.
fn stripes(number: u32, noise: u32) -> image::RgbImage {
    image::RgbImage::from_fn(40, 32, |x, y| {
        let phase = (x * (2 + number % 5) + y * (1 + number / 5)) % 37;
        let value = (phase * 6) as u8 + u8::from(noise > 0 && (x * 7 + y * 13) % noise == 1);
        image::Rgb([value, value / 2, 90])
    })
}

#[test]
fn inspection_finds_duplicates_leaks_and_contradictions() {
    let folder = folder();
    let save = |path: &str, image: image::RgbImage| {
        let path = folder.path().join("set").join(path);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
        image.save(path).expect("writable");
    };
    for number in 0..6 {
        save(&format!("train/cats/{number}.png"), stripes(number, 0));
        save(&format!("train/dogs/{number}.png"), stripes(number + 10, 0));
        save(&format!("val/cats/{number}.png"), stripes(number + 20, 0));
        save(&format!("val/dogs/{number}.png"), stripes(number + 30, 0));
    }
    // Twice in training, with two labels; in both splits, exactly and nearly.
    save("train/dogs/again.bmp", stripes(3, 0));
    save("val/cats/known.png", stripes(1, 0));
    save("val/dogs/nearly.png", stripes(12, 5));
    let arguments = ["data", "inspect", "image_folder", "--root", "set"];
    let with = |more: &[&str]| {
        let all: Vec<&str> = arguments.iter().chain(more).copied().collect();
        succeed(folder.path(), &all)
    };
    let found = &with(&["--json"]).json()["duplicates"];
    assert_eq!(
        [
            &found["exact"],
            &found["near"],
            &found["leaked_exact"],
            &found["leaked_near"]
        ],
        [2, 1, 1, 1],
        "{found}"
    );
    assert_eq!([&found["contradictions"], &found["groups"]], [1, 3]);
    let leak = &found["shown"][0];
    assert_eq!(
        (&leak["exact"], &leak["leak"]),
        (&true.into(), &true.into())
    );
    assert_eq!(leak["pictures"][0]["class"], "cats");
    assert!(
        leak["pictures"][1]["file"]
            .as_str()
            .expect("a path")
            .ends_with("known.png")
    );

    let text = with(&["--html", "page.html"]).stdout;
    for line in [
        "duplicates: 2 the same as an earlier image, 1 look alike",
        "leaks: 1 validation images are in training as well, 1 look like one",
        "contradictions: 1 groups",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let page = std::fs::read_to_string(folder.path().join("page.html")).expect("written");
    assert_eq!(
        page.matches("src=\"data:image/png;base64,").count(),
        6,
        "{page}"
    );
    assert!(page.contains("nearly.png") && page.contains("different labels"));
    refuse(
        folder.path(),
        &[
            "data",
            "inspect",
            "image_folder",
            "--root",
            "set",
            "--html",
            "no/where.html",
        ],
        &["no/where.html"],
    );
}

#[test]
fn a_packed_set_trains_like_any_other() {
    let folder = folder();
    let sizes = ["--train-size", "64", "--valid-size", "32"];
    let pack: Vec<&str> = [
        "data",
        "pack",
        "glyphs",
        "shards",
        "--shard-size",
        "24KiB",
        "--json",
    ]
    .into_iter()
    .chain(sizes)
    .collect();
    let packed = succeed(folder.path(), &pack).json();
    assert_eq!(packed["samples"], 96);
    assert!(packed["shards"].as_u64().expect("a number") > 4, "{packed}");
    let again: Vec<&str> = pack
        .iter()
        .copied()
        .filter(|part| *part != "--json")
        .collect();
    refuse(folder.path(), &again, &["holds the train split already"]);
    refuse(
        folder.path(),
        &[
            "data",
            "pack",
            "glyphs",
            "other",
            "--shard-size",
            "12 parsecs",
        ],
        &["12 parsecs", "256MiB"],
    );
    let counts = |name: &str, more: &[&str]| {
        let inspect: Vec<&str> = ["data", "inspect", name, "--json"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        succeed(folder.path(), &inspect).json()
    };
    let shards = counts("shards", &["--root", "shards"]);
    assert_eq!(shards["train"]["pictures"], 64);
    assert_eq!(shards["train"]["sizes"]["32×32×1"], 64);

    write(
        folder.path(),
        "tiny.toml",
        TINY.replace(
            "name = \"glyphs\"",
            "name = \"shards\"\nroot = \"shards\"\nshuffle_window = 20",
        ),
    );
    let train = |out: &str, more: &[&str]| {
        let all: Vec<&str> = ["train", "tiny.toml", "--out", out]
            .iter()
            .chain(more)
            .copied()
            .collect();
        succeed(folder.path(), &all);
        metrics(&folder.path().join(out))
    };
    let one = train("one", &[]);
    assert_eq!(one.len(), 2);
    assert_eq!(train("two", &["--set", "data.workers=3"]), one);
    assert_ne!(train("three", &["--set", "data.shuffle_window=64"]), one);
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--set", "data.shuffle_window=0"],
        &["data.shuffle_window", "1 or more"],
    );
}

#[test]
fn a_preview_is_a_sheet_of_images() {
    let folder = folder();
    let report = succeed(
        folder.path(),
        &["data", "preview", "glyphs", "-n", "9", "--json"],
    )
    .json();
    assert_eq!(report["pictures"], 9);
    let sheet = image::open(folder.path().join("sheet.png")).expect("an image");
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
    let plain = with("1");
    for change in [
        "augment.crop=scale_jitter",
        "augment.policy=trivial_augment_wide",
        "augment.policy=auto_augment_svhn",
        "augment.color_jitter={brightness=0.5}",
        "augment.erasing={prob=1.0}",
        "augment.cutout=12",
    ] {
        let changed: Vec<&str> = augmented.iter().copied().chain(["--seed", "1"]).collect();
        let changed: Vec<&str> = changed.into_iter().chain(["--set", change]).collect();
        succeed(folder.path(), &changed);
        let sheet = std::fs::read(folder.path().join("sheet.png")).expect("written");
        assert_ne!(sheet, plain, "{change}");
    }

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
