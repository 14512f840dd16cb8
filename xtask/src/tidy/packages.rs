//! The workspace's packages: what they inherit, which room may use which, and that no library chooses a backend.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Violation;

/// A package of the workspace, as far as the rules go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its folder from the root.
    folder: String,
    /// Version, edition, minimal Rust, licence, repository.
    inherited: Vec<String>,
    has_readme: bool,
    pub(super) dependencies: Vec<Dependency>,
    /// What its features switch on.
    features: Vec<String>,
}

/// A dependency of a package.
#[derive(Debug, Clone, Default)]
pub(super) struct Dependency {
    pub(super) name: String,
    requirement: String,
    is_dev: bool,
    /// The folder of one of our own crates.
    folder: Option<String>,
    features: Vec<String>,
}

/// Reads the workspace that the current folder lies in.
///
/// # Errors
/// One sentence, where cargo cannot read it.
pub(crate) fn read() -> Result<Vec<Package>, String> {
    let metadata = MetadataCommand::new().no_deps().exec();
    let metadata = metadata.map_err(|error| format!("cargo metadata: {error}"))?;
    let root = &metadata.workspace_root;
    let folder = |path: &cargo_metadata::camino::Utf8Path| {
        let inside = path.strip_prefix(root).unwrap_or(path);
        inside.as_str().replace('\\', "/")
    };
    let packages = metadata.workspace_packages().into_iter().map(|package| {
        let home = package.manifest_path.parent().unwrap_or(root);
        Package {
            folder: folder(home),
            inherited: vec![
                package.version.to_string(),
                package.edition.to_string(),
                package
                    .rust_version
                    .as_ref()
                    .map_or(String::new(), ToString::to_string),
                package.license.clone().unwrap_or_default(),
                package.repository.clone().unwrap_or_default(),
            ],
            has_readme: home.join("README.md").is_file(),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    requirement: dependency.req.to_string(),
                    is_dev: dependency.kind == DependencyKind::Development,
                    folder: dependency.path.as_deref().map(folder),
                    features: dependency.features.clone(),
                })
                .collect(),
            features: package.features.values().flatten().cloned().collect(),
        }
    });
    Ok(packages.collect())
}

/// A kind of folder that holds a crate.
struct Room {
    /// Its path; `*` for any one name.
    folder: &'static str,
    /// The rooms its crates may use.
    uses: &'static [&'static str],
    /// The only crate from outside that it may use, where others have no business there.
    only: Option<&'static str>,
}

/// The arrows of ARCHITECTURE.md.
#[rustfmt::skip]
const ROOMS: [Room; 12] = [
    room("crates/kernels", &[]),
    room("crates/blocks", &["crates/kernels"]),
    Room { folder: "models/*", uses: &["crates/blocks"], only: Some("burn") },
    room("crates/data", &[]),
    room("datasets", &["crates/data"]),
    room("crates/report", &[]),
    room("crates/weights", &[]),
    room("crates/inspect", &["crates/blocks"]),
    room("crates/trainer", &["crates/blocks", "crates/data", "crates/kernels", "crates/report"]),
    room("crates/zoo", &[
        "models/*", "datasets", "crates/trainer", "crates/data", "crates/blocks", "crates/inspect", "crates/kernels",
        "crates/weights",
    ]),
    room("crates/cli", &["crates/zoo"]),
    room("xtask", &[]),
];

const fn room(folder: &'static str, uses: &'static [&'static str]) -> Room {
    Room {
        folder,
        uses,
        only: None,
    }
}

/// Burn's features that bring a backend, and `Device`'s constructors of the same name.
pub(super) const BACKENDS: [&str; 11] = [
    "cpu", "cuda", "flex", "metal", "ndarray", "remote", "rocm", "tch", "vulkan", "webgpu", "wgpu",
];

/// Crates that offer a backend as a feature of their own, for whoever builds the program to choose.
const FORWARD: [&str; 3] = ["crates/kernels", "crates/zoo", "crates/cli"];

pub(super) fn check(packages: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut requirements: BTreeMap<&str, &str> = BTreeMap::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let mut complain = |what: String| found.push(Violation::new(&manifest, 1, what));
        if package.inherited != packages[0].inherited {
            complain(format!(
                "found {:?}, expected what the workspace states, {:?}: `version.workspace = true` and so on",
                package.inherited, packages[0].inherited
            ));
        }
        if !package.has_readme && package.folder != "xtask" {
            complain("has no README.md, expected the front page of the registry".into());
        }
        let Some(room) = ROOMS
            .iter()
            .find(|room| matches(room.folder, &package.folder))
        else {
            complain(format!(
                "a crate in {}, expected one in {}",
                package.folder,
                ROOMS.map(|room| room.folder).join(", ")
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let Dependency {
                name, requirement, ..
            } = dependency;
            let known = requirements.entry(name).or_insert(requirement);
            if known != requirement {
                complain(format!(
                    "{name} {requirement} is stated here, expected `{name}.workspace = true` ({known})"
                ));
            }
            if let Some(what) = room.refusal(dependency) {
                complain(what);
            }
            if name == "burn" && !dependency.is_dev {
                for backend in backends(&dependency.features) {
                    complain(format!(
                        "enables burn/{backend}, expected no backend: the program chooses one"
                    ));
                }
            }
        }
        if !FORWARD.contains(&package.folder.as_str()) {
            let offered = package.features.iter();
            let offered = offered.filter_map(|item| item.strip_prefix("burn/").map(str::to_owned));
            for backend in backends(&offered.collect::<Vec<_>>()) {
                complain(format!(
                    "a feature for burn/{backend}, expected backends in {} only",
                    FORWARD.join(", ")
                ));
            }
        }
    }
    found
}

fn backends(features: &[String]) -> impl Iterator<Item = &str> {
    let features = features.iter().map(String::as_str);
    features.filter(|feature| BACKENDS.contains(feature))
}

impl Room {
    fn refusal(&self, dependency: &Dependency) -> Option<String> {
        let name = &dependency.name;
        let (is_refused, place) = match &dependency.folder {
            Some(used) => (
                !self.uses.iter().any(|pattern| matches(pattern, used)),
                format!(" ({used})"),
            ),
            None => (
                !dependency.is_dev && self.only.is_some_and(|only| only != name),
                String::new(),
            ),
        };
        let outside = self.only.unwrap_or("crates from outside the workspace");
        let allowed: Vec<&str> = self.uses.iter().copied().chain([outside]).collect();
        is_refused.then(|| {
            format!(
                "{} uses {name}{place}, expected only {}",
                self.folder,
                allowed.join(", ")
            )
        })
    }
}

fn matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(parent) => folder
            .strip_prefix(parent)
            .is_some_and(|name| !name.is_empty() && !name.contains('/')),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, dependencies: Vec<Dependency>) -> Package {
        Package {
            folder: folder.to_owned(),
            has_readme: true,
            dependencies,
            ..Package::default()
        }
    }

    fn dependency(name: &str, folder: Option<&str>) -> Dependency {
        Dependency {
            name: name.to_owned(),
            folder: folder.map(str::to_owned),
            ..Dependency::default()
        }
    }

    #[track_caller]
    fn sole(package: Package) -> String {
        let found = check(&[package]);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].what.clone()
    }

    #[test]
    fn the_workspace_keeps_the_rules() {
        let packages = read().expect("this is a workspace");
        assert!(packages.len() > 15);
        assert_eq!(check(&packages), []);
    }

    #[test]
    fn each_forbidden_arrow_is_found_in_tests_too() {
        for (folder, used) in [
            ("models/lenet", "crates/data"),
            ("models/lenet", "models/resnet"),
            ("crates/blocks", "crates/data"),
            ("crates/weights", "crates/blocks"),
            ("crates/trainer", "models/lenet"),
            ("crates/trainer", "crates/zoo"),
            ("datasets", "crates/trainer"),
            ("crates/cli", "crates/trainer"),
            ("xtask", "crates/blocks"),
        ] {
            for is_dev in [false, true] {
                let used = Dependency {
                    is_dev,
                    ..dependency("it", Some(used))
                };
                let what = sole(package(folder, vec![used]));
                assert!(what.contains("uses it ("), "{what}");
            }
        }
    }

    #[test]
    fn a_model_uses_burn_alone_of_what_is_outside() {
        let what = sole(package("models/lenet", vec![dependency("serde", None)]));
        assert_eq!(
            what,
            "models/* uses serde, expected only crates/blocks, burn"
        );
        let test = Dependency {
            is_dev: true,
            ..dependency("serde", None)
        };
        assert_eq!(check(&[package("models/lenet", vec![test])]), []);
    }

    #[test]
    fn a_crate_without_a_room_or_a_readme_is_found() {
        for folder in ["crates/helpers", "models/vgg/extra"] {
            assert!(sole(package(folder, vec![])).starts_with("a crate in "));
        }
        let bare = Package {
            has_readme: false,
            ..package("crates/data", vec![])
        };
        assert!(sole(bare).contains("README.md"));
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let first = package("crates/data", vec![dependency("serde", None)]);
        let second = Package {
            inherited: vec!["9.9.9".into()],
            dependencies: vec![Dependency {
                requirement: "^2".into(),
                ..dependency("serde", None)
            }],
            ..package("crates/report", vec![])
        };
        let found = check(&[first, second]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].what.contains("version.workspace = true"));
        assert!(found[1].what.contains("serde.workspace = true"));
    }

    #[test]
    fn a_library_that_enables_or_offers_a_backend_is_found() {
        for backend in BACKENDS {
            let burn = |is_dev| Dependency {
                features: vec!["train".into(), backend.into()],
                is_dev,
                ..dependency("burn", None)
            };
            let what = sole(package("crates/trainer", vec![burn(false)]));
            assert!(
                what.starts_with(&format!("enables burn/{backend},")),
                "{what}"
            );
            assert_eq!(check(&[package("crates/trainer", vec![burn(true)])]), []);
            let offers = |folder| Package {
                features: vec![format!("burn/{backend}")],
                ..package(folder, vec![])
            };
            assert!(sole(offers("crates/data")).starts_with("a feature for burn/"));
            assert_eq!(check(&[offers("crates/zoo")]), []);
        }
    }
}
