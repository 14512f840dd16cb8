//! `[param_groups]`: parameters that are not all updated alike.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::ParamGroup;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use burn_zoo_blocks::{Classifier, Parameter, parameters};
use serde::{Deserialize, Serialize};

use crate::RunFile;

/// `[param_groups]`: which parameters decay, and which learn more slowly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParamGroupsSection {
    /// Whether weight decay also acts on biases and on the scale and shift of normalisations (everything with one
    /// axis). The papers let it; timm and today's recipes do not.
    #[serde(skip_serializing_if = "is_yes")]
    pub decay_bias_and_norm: bool,
    /// Learning rate of everything but the head, as a fraction of the run's.
    #[serde(skip_serializing_if = "is_one")]
    pub backbone_lr: f64,
    /// Layer-wise decay of the learning rate: each layer below the head has this times the rate of the layer above it
    /// (timm's `layer_decay`). A layer here is a convolution or a linear layer with its normalisation, or one numbered
    /// unit of a stage.
    #[serde(skip_serializing_if = "is_one")]
    pub layer_decay: f64,
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

impl Default for ParamGroupsSection {
    fn default() -> Self {
        Self {
            decay_bias_and_norm: true,
            backbone_lr: 1.0,
            layer_decay: 1.0,
        }
    }
}

impl ParamGroupsSection {
    /// Whether all parameters are updated alike.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The first value out of its range: its key, and what it must be.
    pub(crate) fn invalid(&self) -> Option<(&'static str, &'static str)> {
        let fraction = |value: f64| value > 0.0 && value <= 1.0;
        if !fraction(self.backbone_lr) {
            return Some(("backbone_lr", "above 0 and at most 1"));
        }
        if !fraction(self.layer_decay) {
            return Some(("layer_decay", "above 0 and at most 1"));
        }
        None
    }
}

/// How the parameters of one group are updated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GroupRule {
    /// Times the run's learning rate.
    pub(super) factor: f64,
    /// Whether weight decay acts.
    pub(super) decays: bool,
    /// Whether they are the matrices of hidden layers, which Muon is for.
    pub(super) is_hidden_matrix: bool,
}

impl Default for GroupRule {
    fn default() -> Self {
        Self {
            factor: 1.0,
            decays: true,
            is_hidden_matrix: false,
        }
    }
}

/// The optimizer of a run, without state, for the parameters of `model`.
pub(crate) fn optimizer_for<M: Classifier>(
    run: &RunFile,
    model: &M,
    device: &Device,
) -> ModuleOptimizer {
    let mut optimizer = run.optimizer.init();
    if run.param_groups.is_default() && !run.optimizer.tells_matrices_apart() {
        return optimizer;
    }
    let all: Vec<Parameter> = parameters(model)
        .into_iter()
        .filter(|parameter| !parameter.is_buffer)
        .collect();
    let head = head(model, device);
    for (rule, paths) in grouped(&run.param_groups, &all, &head) {
        let group = ParamGroup::from_paths(paths);
        optimizer = run.optimizer.with_group(optimizer, group, rule);
    }
    optimizer
}

/// Paths of the parameters that a new head would replace.
fn head<M: Classifier>(model: &M, device: &Device) -> BTreeSet<String> {
    let replaced = model.clone().with_head(model.num_classes(), device);
    let kept: BTreeSet<u64> = parameters(&replaced).iter().map(|p| p.id.val()).collect();
    parameters(model)
        .into_iter()
        .filter(|parameter| !kept.contains(&parameter.id.val()))
        .map(|parameter| parameter.path)
        .collect()
}

/// The parameters by the rule that holds for them.
fn grouped(
    section: &ParamGroupsSection,
    all: &[Parameter],
    head: &BTreeSet<String>,
) -> Vec<(GroupRule, Vec<String>)> {
    let layers = layers(all, head);
    let depth = layers.values().max().map_or(0, |last| last + 1);
    let mut groups: Vec<(GroupRule, Vec<String>)> = Vec::new();
    for parameter in all {
        let has_matrix = parameter.shape.len() > 1;
        let factor = match layers.get(&parameter.path) {
            None if head.contains(&parameter.path) => 1.0,
            None => section.backbone_lr,
            Some(layer) => section.backbone_lr * section.layer_decay.powi((depth - layer) as i32),
        };
        let rule = GroupRule {
            factor,
            decays: section.decay_bias_and_norm || has_matrix,
            is_hidden_matrix: has_matrix && !head.contains(&parameter.path),
        };
        match groups.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, paths)) => paths.push(parameter.path.clone()),
            None => groups.push((rule, vec![parameter.path.clone()])),
        }
    }
    groups
}

/// The layer of every parameter below the head, counted from the input.
fn layers(all: &[Parameter], head: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let mut layers = BTreeMap::new();
    let mut units: Vec<String> = Vec::new();
    for parameter in all.iter().filter(|p| !head.contains(&p.path)) {
        let unit = unit(&parameter.name);
        // GoogLeNet's auxiliary heads stand beside the layers, not above them.
        if unit.starts_with("aux") {
            continue;
        }
        // A normalisation belongs to the layer that it follows.
        let begins = parameter.shape.len() > 1 || units.is_empty();
        if begins && !units.contains(&unit) {
            units.push(unit.clone());
        }
        let layer = units.iter().position(|known| *known == unit);
        layers.insert(parameter.path.clone(), layer.unwrap_or(units.len() - 1));
    }
    layers
}

/// The block or layer that a parameter belongs to: `layer1.0` for `layer1.0.conv1.weight`, `conv1` for `conv1.weight`.
fn unit(name: &str) -> String {
    let mut parts = name.split('.');
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{first}.{number}")
        }
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use burn::module::ParamId;

    use super::*;

    fn network() -> Vec<Parameter> {
        let rows: [(&str, &[usize]); 10] = [
            ("conv1.weight", &[4, 3, 3, 3]),
            ("bn1.gamma", &[4]),
            ("bn1.beta", &[4]),
            ("layer1.0.conv1.weight", &[4, 4, 3, 3]),
            ("layer1.0.bn1.gamma", &[4]),
            ("layer1.1.conv1.weight", &[4, 4, 3, 3]),
            ("layer2.0.conv1.weight", &[4, 4, 3, 3]),
            ("aux1.conv.weight", &[4, 4, 1, 1]),
            ("fc.weight", &[4, 10]),
            ("fc.bias", &[10]),
        ];
        rows.iter()
            .map(|(name, shape)| Parameter {
                id: ParamId::new(),
                name: (*name).to_owned(),
                path: (*name).to_owned(),
                shape: shape.to_vec(),
                is_buffer: false,
            })
            .collect()
    }

    fn head() -> BTreeSet<String> {
        ["fc.weight", "fc.bias"].map(str::to_owned).into()
    }

    fn rule_of(groups: &[(GroupRule, Vec<String>)], path: &str) -> GroupRule {
        let group = groups
            .iter()
            .find(|(_, paths)| paths.iter().any(|p| p == path));
        group.expect("every parameter has a group").0
    }

    #[test]
    fn the_rate_falls_by_layers_and_the_head_keeps_it() {
        let section = ParamGroupsSection {
            layer_decay: 0.5,
            backbone_lr: 0.8,
            ..ParamGroupsSection::default()
        };
        let groups = grouped(&section, &network(), &head());
        for (path, factor) in [
            ("fc.weight", 1.0),
            ("aux1.conv.weight", 0.8),
            ("layer2.0.conv1.weight", 0.8 * 0.5),
            ("layer1.1.conv1.weight", 0.8 * 0.25),
            ("layer1.0.conv1.weight", 0.8 * 0.125),
            ("layer1.0.bn1.gamma", 0.8 * 0.125),
            ("bn1.beta", 0.8 * 0.0625),
            ("conv1.weight", 0.8 * 0.0625),
        ] {
            assert!(
                (rule_of(&groups, path).factor - factor).abs() < 1e-12,
                "{path}"
            );
        }
    }

    #[test]
    fn what_has_one_axis_may_be_spared_the_decay() {
        let section = ParamGroupsSection {
            decay_bias_and_norm: false,
            ..ParamGroupsSection::default()
        };
        let groups = grouped(&section, &network(), &head());
        for (path, decays) in [
            ("conv1.weight", true),
            ("fc.weight", true),
            ("fc.bias", false),
            ("layer1.0.bn1.gamma", false),
        ] {
            assert_eq!(rule_of(&groups, path).decays, decays, "{path}");
        }
        let rule = rule_of(&groups, "layer1.1.conv1.weight");
        assert!(rule.is_hidden_matrix && !rule_of(&groups, "fc.weight").is_hidden_matrix);
    }
}
