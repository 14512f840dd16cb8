//! Pickles that are no checkpoints: calls that would run a program if Python read them.
//!
//! Burn's reader interprets the calls that rebuild tensors and runs nothing. It leaves other objects uninterpreted, so
//! that a checkpoint with a Namespace or a numpy number beside its weights can be read; those that have no business in
//! any checkpoint are refused here, lest a file that is an attack elsewhere be passed on as good. Every class that a
//! pickle names is looked at, also one whose object is thrown away or hidden inside another.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek};
use std::path::Path;

use crate::opcodes::names;

/// Modules that reach the system or evaluate text, whatever the function.
const MODULES: [&str; 43] = [
    "_posixsubprocess",
    "_socket",
    "cPickle",
    "_pickle",
    "asyncio",
    "bdb",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "dill",
    "doctest",
    "ensurepip",
    "http",
    "httplib",
    "idlelib",
    "importlib",
    "lib2to3",
    "multiprocessing",
    "nt",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "popen2",
    "posix",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "timeit",
    "trace",
    "urllib",
    "uuid",
    "venv",
    "webbrowser",
];

/// Functions that do, of modules that are harmless otherwise.
const FUNCTIONS: [&str; 13] = [
    "apply",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "globals",
    "input",
    "open",
    "setattr",
    "__import__",
    "breakpoint",
];

/// The first byte of a pickle of protocol 2 or later.
const PROTO: u8 = 0x80;

/// A file of `torch.save` before 1.6 is so many pickles in a row (magic number, protocol, system, object, keys of the
/// storages), then the numbers.
const LEGACY_PICKLES: usize = 5;

/// The first class that the pickles in the file name and that is no business of a checkpoint.
///
/// # Errors
/// A file that cannot be read, and a pickle that ends too soon or holds what Python would not understand.
pub(super) fn malicious_call(path: &Path) -> Result<Option<String>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut found = Vec::new();
    if file.fill_buf()?.starts_with(b"PK") {
        in_zip(file, &mut found)?;
    } else if file.fill_buf()?.first() == Some(&PROTO) {
        for _ in 0..LEGACY_PICKLES {
            names(&mut file, &mut found)?;
            if file.fill_buf()?.first() != Some(&PROTO) {
                break;
            }
        }
    } else {
        in_tar(file, &mut found)?;
    }
    let mut calls = found.into_iter();
    Ok(calls
        .find(|(module, function)| is_malicious(module, function))
        .map(|(module, function)| format!("{module}.{function}")))
}

fn in_zip(file: impl BufRead + Seek, found: &mut Vec<(String, String)>) -> Result<()> {
    let mut archive = zip::ZipArchive::new(file)?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        if entry.name()?.ends_with(".pkl") {
            names(&mut BufReader::new(entry), found)?;
        }
    }
    Ok(())
}

/// The container of `torch.save` before 0.1.1: the object in `pickle`, its numbers beside it.
fn in_tar(file: impl Read, found: &mut Vec<(String, String)>) -> Result<()> {
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()?.ends_with("pickle") {
            return names(&mut BufReader::new(entry), found);
        }
    }
    Err(Error::new(ErrorKind::InvalidData, "a tar without `pickle`"))
}

/// A dotted function is looked up step by step from its module: `pathlib` and `os.system` are `os.system`.
fn is_malicious(module: &str, function: &str) -> bool {
    let root = module.split('.').next().unwrap_or_default();
    MODULES.contains(&root)
        || function.contains('.')
            && function
                .split('.')
                .any(|part| MODULES.contains(&part) || FUNCTIONS.contains(&part))
        || matches!(module, "builtins" | "__builtin__" | "io" | "_io")
            && FUNCTIONS.contains(&function)
        || matches!(module, "operator" | "_operator")
            && matches!(function, "attrgetter" | "methodcaller")
        || module == "torch.hub"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_data() {
        for (module, function) in [
            ("os", "system"),
            ("posix", "system"),
            ("builtins", "eval"),
            ("subprocess", "Popen"),
            ("importlib.util", "find_spec"),
            ("pathlib", "os.system"),
            ("torch.hub", "load"),
        ] {
            assert!(is_malicious(module, function), "{module}.{function}");
        }
        for (module, function) in [
            ("argparse", "Namespace"),
            ("numpy.core.multiarray", "scalar"),
            ("torch", "device"),
            ("oslo.config", "Values"),
            ("__main__", "Model.Head"),
        ] {
            assert!(!is_malicious(module, function), "{module}.{function}");
        }
    }
}
