//! Python's `tarfile`, which WebDataset's own readers and writers are built on. Without Python these tests say that they
//! were skipped.

use std::process::Command;

use super::*;

/// Runs a script; nothing where there is no Python.
fn python(script: &str, folder: &Path) -> Option<String> {
    let run = Command::new("python3")
        .args(["-c", script])
        .current_dir(folder)
        .output();
    let Ok(output) = run else {
        eprintln!("skipped: no python3 on the path");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn python_reads_what_is_packed() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let script = "
import glob, hashlib, tarfile
for path in sorted(glob.glob('train-*.tar')):
    sample = {}
    for member in tarfile.open(path):
        key, extension = member.name.split('.')
        sample[extension] = tarfile.open(path).extractfile(member).read()
        if extension == 'cls':
            print(key, hashlib.sha256(sample['png']).hexdigest(), sample['cls'].decode())
";
    let Some(text) = python(script, &out) else {
        return;
    };
    let mut found: Vec<String> = text.lines().map(str::to_owned).collect();
    let keys: Vec<String> = (0..30).map(|number| format!("{number:06}")).collect();
    let starts: Vec<&str> = found.iter().map(|line| &line[..6]).collect();
    assert_eq!(starts, keys);
    found
        .iter_mut()
        .for_each(|line| *line = line[7..].to_owned());
    found.sort();
    use sha2::{Digest, Sha256};
    let mut expected: Vec<String> = content(&read(&out).unwrap().train)
        .iter()
        .map(|(bytes, label)| {
            let digest: String = Sha256::digest(bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("{digest} {label}")
        })
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_python_writes_is_read_in_every_format_of_tar() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.png"), image(7)).unwrap();
    let script = "
import io, tarfile
content = open('a.png', 'rb').read()
for name, format in ('train-gnu', tarfile.GNU_FORMAT), ('train-pax', tarfile.PAX_FORMAT), ('val-ustar', tarfile.USTAR_FORMAT):
    with tarfile.open(name + '.tar', 'w', format=format) as tar:
        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        folder = tarfile.TarInfo('folder')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        long = 'folder/' + 'x' * (60 if 'ustar' in name else 150)
        for key, label in (long, b'1'), ('folder/grün' if 'pax' in name else 'folder/1', b'0'):
            add(key + '.PNG', content)
            add(key + '.cls', label)
";
    let Some(_) = python(script, root.path()) else {
        return;
    };
    let data = read(root.path()).unwrap();
    assert_eq!((data.train.len(), data.valid.len()), (4, 2));
    for (split, labels) in [(&data.train, &[1, 0, 1, 0][..]), (&data.valid, &[1, 0])] {
        for (index, label) in labels.iter().enumerate() {
            let sample = split.get(index).unwrap();
            assert_eq!(sample.label, *label);
            let ImageSource::Encoded { bytes, .. } = sample.image else {
                panic!("not encoded");
            };
            assert_eq!(bytes, image(7));
        }
    }
}
