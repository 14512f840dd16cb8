//! Pickles that are no checkpoints: calls that would run a program if Python read them.
//!
//! Burn's reader interprets the calls that rebuild tensors and runs nothing. It leaves other objects uninterpreted, so
//! that a checkpoint with a Namespace or a numpy number beside its weights can be read; those that have no business in
//! any checkpoint are refused here, lest a file that is an attack elsewhere be passed on as good.

use std::path::Path;

use burn::store::pytorch_reader::{PickleValue, PytorchError, PytorchReader};

/// Modules that reach the system or evaluate text, whatever the function.
const MODULES: [&str; 22] = [
    "asyncio",
    "bdb",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "dill",
    "importlib",
    "nt",
    "os",
    "pdb",
    "pickle",
    "popen2",
    "posix",
    "pty",
    "runpy",
    "shutil",
    "socket",
    "subprocess",
    "sys",
    "timeit",
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

/// The first call in the file that is no business of a checkpoint.
pub(super) fn malicious_call(path: &Path) -> Result<Option<String>, PytorchError> {
    Ok(search(&PytorchReader::read_pickle_data(path, None)?))
}

fn search(value: &PickleValue) -> Option<String> {
    match value {
        PickleValue::Unsupported(name) => is_malicious(name).then(|| name.clone()),
        PickleValue::List(values) => values.iter().find_map(search),
        PickleValue::Dict(entries) => entries.values().find_map(search),
        _ => None,
    }
}

/// `name` is a module and a function in it, as in `os.system`.
fn is_malicious(name: &str) -> bool {
    let (module, function) = name.rsplit_once('.').unwrap_or(("builtins", name));
    let root = module.split('.').next().unwrap_or_default();
    MODULES.contains(&root)
        || matches!(module, "builtins" | "__builtin__") && FUNCTIONS.contains(&function)
        || (module, function) == ("operator", "attrgetter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_data() {
        for call in [
            "os.system",
            "posix.system",
            "builtins.eval",
            "subprocess.Popen",
            "importlib.util.find_spec",
        ] {
            assert!(is_malicious(call), "{call}");
        }
        for data in [
            "argparse.Namespace",
            "numpy.core.multiarray.scalar",
            "torch.device",
            "oslo.config",
            "__main__.Model",
        ] {
            assert!(!is_malicious(data), "{data}");
        }
    }
}
