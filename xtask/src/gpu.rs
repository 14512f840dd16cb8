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
        let [zoo, backends] = self.build(&root)?;
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

    /// The program and the test that compares backends; the second takes the first to be built anyway.
    fn build(&self, root: &Path) -> Result<[PathBuf; 2], String> {
        let features = format!("burn-zoo-cli/{},burn-zoo-cli/warm", self.backend);
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(root)
            .args(["test", "--release", "-p", "burn-zoo-cli", "--features"])
            .args([&features, "--test", "backends", "--no-run"])
            .args(["--message-format", "json-render-diagnostics"])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("the build with {features} failed"));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let messages: Vec<Value> = messages
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let made = |name: &str| {
            let named = messages.iter().filter(|it| it["target"]["name"] == name);
            let mut programs = named.filter_map(|it| it["executable"].as_str());
            let program = programs.next_back().map(PathBuf::from);
            program.ok_or_else(|| format!("the build made no program {name}"))
        };
        Ok([made("zoo")?, made("backends")?])
    }
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
