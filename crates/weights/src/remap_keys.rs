//! From the keys of a checkpoint to those of a network: prefixes dropped, other projects' names translated.

use std::collections::{BTreeMap, BTreeSet};

use crate::expected_tensors::ExpectedTensor;

/// A network's name for the key of another project, where it has one.
pub type Aliases = fn(&str) -> Option<String>;

pub(crate) fn no_alias(_key: &str) -> Option<String> {
    None
}

/// The tensors under the names in `wanted` where they have one, and the prefix that was dropped from all of them.
///
/// What lies beside the prefix (an optimizer's state, an average of the weights) is left out, and so are PyTorch's
/// counters of batches, which nothing here reads.
pub(crate) fn remap_keys<T>(
    tensors: BTreeMap<String, T>,
    wanted: &[ExpectedTensor],
    aliases: Aliases,
) -> (BTreeMap<String, T>, String) {
    let names: BTreeSet<&str> = wanted.iter().map(|slot| slot.name.as_str()).collect();
    let prefix = prefix(&tensors, &names);
    let behind: BTreeSet<String> = tensors
        .keys()
        .filter_map(|key| key.strip_prefix(&prefix).map(str::to_owned))
        .collect();
    let renamed = tensors.into_iter().filter_map(|(key, tensor)| {
        let key = match key.strip_prefix(&prefix) {
            Some(key) => key,
            // A head that was put beside a prefixed backbone.
            None if names.contains(key.as_str()) && !behind.contains(&key) => &key,
            None => return None,
        };
        if key.ends_with(".num_batches_tracked") {
            return None;
        }
        let name = match aliases(key) {
            Some(alias) if !names.contains(key) && names.contains(alias.as_str()) => alias,
            _ => key.to_owned(),
        };
        Some((name, tensor))
    });
    (renamed.collect(), prefix)
}

/// What stands before the keys: of all prefixes of the file, the one behind which most of the network's names are
/// found; the shorter one where two do as well.
fn prefix<T>(tensors: &BTreeMap<String, T>, names: &BTreeSet<&str>) -> String {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for key in tensors.keys() {
        let ends = key.match_indices('.').map(|(dot, _)| dot + 1);
        for start in std::iter::once(0).chain(ends) {
            if names.contains(&key[start..]) {
                *found.entry(&key[..start]).or_default() += 1;
            }
        }
    }
    let best = found
        .into_iter()
        .max_by_key(|(prefix, count)| (*count, std::cmp::Reverse(prefix.len())));
    best.map_or(String::new(), |(prefix, _)| prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resnet(key: &str) -> Option<String> {
        let renamed = key.strip_prefix("linear.").map(|rest| format!("fc.{rest}"));
        let shortcut = || key.replace(".shortcut.", ".downsample.");
        renamed.or_else(|| key.contains(".shortcut.").then(shortcut))
    }

    fn bring(keys: &[&str], wanted: &[&str]) -> (Vec<String>, String) {
        let tensors = keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        let wanted: Vec<ExpectedTensor> = wanted
            .iter()
            .map(|name| ExpectedTensor {
                name: (*name).to_owned(),
                shape: vec![1],
            })
            .collect();
        let (tensors, prefix) = remap_keys(tensors, &wanted, resnet);
        (tensors.into_keys().collect(), prefix)
    }

    #[test]
    fn a_full_checkpoint_gives_its_weights_only() {
        let keys = [
            "epoch",
            "optimizer.state.0.exp_avg",
            "state_dict.module.conv1.weight",
            "state_dict.module.bn1.weight",
            "state_dict.module.bn1.num_batches_tracked",
            "state_dict.module.linear.weight",
        ];
        let (names, prefix) = bring(&keys, &["conv1.weight", "bn1.weight", "fc.weight"]);
        assert_eq!(prefix, "state_dict.module.");
        assert_eq!(names, ["bn1.weight", "conv1.weight", "fc.weight"]);
    }

    #[test]
    fn the_prefix_with_most_tensors_counts_and_of_equals_the_shorter() {
        let keys = ["model.a", "model.b", "ema.a", "b"];
        assert_eq!(bring(&keys, &["a", "b"]).1, "model.");
        let keys = ["model.a", "model_ema.a"];
        assert_eq!(bring(&keys, &["a"]).1, "model.");
        let (names, prefix) = bring(&["x.y", "z"], &["a"]);
        assert_eq!((names.len(), prefix.as_str()), (2, ""));
    }

    #[test]
    fn a_head_beside_a_prefixed_backbone_is_found() {
        let keys = ["backbone.a", "backbone.b", "fc", "junk"];
        let (names, prefix) = bring(&keys, &["a", "b", "fc"]);
        assert_eq!(
            (names, prefix.as_str()),
            (vec!["a".into(), "b".into(), "fc".into()], "backbone.")
        );
    }

    #[test]
    fn other_projects_names_are_translated_only_where_that_helps() {
        let keys = ["layer1.0.shortcut.0.weight", "linear.bias", "linear.other"];
        let wanted = ["layer1.0.downsample.0.weight", "fc.bias"];
        let (names, _) = bring(&keys, &wanted);
        assert_eq!(
            names,
            ["fc.bias", "layer1.0.downsample.0.weight", "linear.other"]
        );
    }
}
