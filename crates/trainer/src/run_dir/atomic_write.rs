//! Files that are either whole or absent: written beside, synced, renamed.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

use crate::TrainError;

/// Replaces `path` by `bytes`; a kill or a full disk at any moment leaves the old content.
///
/// # Errors
/// [`TrainError::Io`], which names the file.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = beside(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(folder)
    };
    write().map_err(TrainError::io("write", path))
}

/// Brings `path` to `bytes`. A file that is their beginning grows at its end, so that whoever follows it may go on
/// reading; anything else there (the torn end of a write, the lines of an epoch that is done anew) is replaced at once.
pub(crate) fn write_growing(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let present = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        read => Some(read.map_err(TrainError::io("read", path))?),
    };
    let Some(missing) = present.and_then(|present| bytes.strip_prefix(present.as_slice())) else {
        return write_atomic(path, bytes);
    };
    let append = || {
        let mut file = File::options().append(true).open(path)?;
        file.write_all(missing)?;
        file.sync_all()
    };
    match missing {
        [] => Ok(()),
        _ => append().map_err(TrainError::io("write", path)),
    }
}

/// A file that becomes another's new content, readable by whom the user's umask lets.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(STAGING_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Creates the folder `path` with the given files, all at once.
pub(crate) fn write_folder_atomic(path: &Path, files: &[(&str, &[u8])]) -> Result<(), TrainError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let staging = TempDir::with_prefix_in(STAGING_PREFIX, parent)?;
        for (name, bytes) in files {
            let mut file = File::create(staging.path().join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        sync_folder(staging.path())?;
        fs::rename(staging.path(), path)?;
        // The staging folder has become the result: nothing is left to clean up.
        let _ = staging.keep();
        sync_folder(parent)
    };
    write().map_err(TrainError::io("write", path))
}

/// Removes what killed processes left half-written in `folder`.
pub(crate) fn remove_staging(folder: &Path) -> Result<(), TrainError> {
    let remove = || {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(STAGING_PREFIX)
            {
                match entry.file_type()?.is_dir() {
                    true => fs::remove_dir_all(entry.path())?,
                    false => fs::remove_file(entry.path())?,
                }
            }
        }
        Ok(())
    };
    remove().map_err(TrainError::io("clean up", folder))
}

const STAGING_PREFIX: &str = ".writing-";

/// Makes a rename durable. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_grows_where_it_can_and_is_replaced_where_not() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.csv");
        let grow = |bytes: &[u8]| {
            write_growing(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        };
        grow(b"one\n");
        let mut follower = File::open(&path).unwrap();
        grow(b"one\ntwo\n");
        let mut seen = String::new();
        std::io::Read::read_to_string(&mut follower, &mut seen).unwrap();
        assert_eq!(seen, "one\ntwo\n", "the same file, longer");
        // Torn in its last line, and a last line that has become another.
        fs::write(&path, "one\ntw").unwrap();
        grow(b"one\ntwo\n");
        grow(b"one\nzwei\n");
        grow(b"");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_completed_does_not_appear() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("checkpoint");
        // A file name with a separator cannot be created.
        let error =
            write_folder_atomic(&path, &[("good", b"1"), ("missing/bad", b"2")]).unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn leftovers_of_a_kill_are_removed_and_nothing_else() {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join(".writing-abc")).unwrap();
        fs::create_dir(folder.path().join("epoch-0001")).unwrap();
        remove_staging(folder.path()).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["epoch-0001"]);
    }
}
