//! `cargo xtask gpu`: what `docs/gpu.md` shows of a GPU, measured or packed for a machine without Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde_json::Value;

/// Measure this machine's GPU for docs/gpu.md, or pack all that this takes
#[derive(Debug, Args)]
pub(crate) struct Gpu {
    /// The backend to build: cuda, vulkan, wgpu, metal or rocm
    #[arg(long, default_value = "wgpu")]
    backend: String,

    /// Put the programs, the run files and the script into this folder, and measure nothing
    #[arg(long, value_name = "FOLDER")]
    pack: Option<PathBuf>,

    /// For the script, which then runs: see `python3 measure.py --help`
    #[arg(last = true)]
    script: Vec<String>,
}

impl Gpu {
    pub(crate) fn run(&self) -> Result<(), String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = match &self.pack {
            Some(folder) => folder.clone(),
            None => root.join("target/gpu"),
        };
        let features = format!("burn-zoo-cli/{},burn-zoo-cli/warm", self.backend);
        let built = ["build", "--bin", "zoo"];
        let zoo = executable(&root, &[&built, &["--features", &features][..]].concat())?;
        let tested = ["test", "--test", "backends", "--no-run"];
        let backends = executable(&root, &[&tested[..], &["--features", &features]].concat())?;
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        let script = root.join("xtask/gpu/measure.py");
        for (from, name) in [
            (&zoo, "zoo"),
            (&backends, "backends"),
            (&script, "measure.py"),
        ] {
            fs::copy(from, folder.join(name)).map_err(|error| failed(from, &error))?;
        }
        for part in ["configs/_base", "configs/cifar10"] {
            copy_folder(&root.join(part), &folder.join(part))?;
        }
        if self.pack.is_some() {
            eprintln!(
                "{} is complete: take it there, and run `python3 measure.py --device {}`",
                folder.display(),
                self.backend
            );
            return Ok(());
        }
        let status = Command::new("python3")
            .arg(folder.join("measure.py"))
            .args(["--device", &self.backend])
            .args(&self.script)
            .status()
            .map_err(|error| format!("python3 cannot be started: {error}"))?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the script ended with {status}")),
        }
    }
}

/// Builds in the release profile; gives the program that comes of it.
fn executable(root: &Path, arguments: &[&str]) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(arguments)
        .args([
            "--release",
            "-p",
            "burn-zoo-cli",
            "--message-format",
            "json-render-diagnostics",
        ])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {} failed", arguments.join(" ")));
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| format!("cargo {} made no program", arguments.join(" ")))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, &error))? {
        let entry = entry.map_err(|error| failed(from, &error))?;
        fs::copy(entry.path(), to.join(entry.file_name()))
            .map_err(|error| failed(&entry.path(), &error))?;
    }
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
