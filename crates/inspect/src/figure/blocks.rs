//! Recorded operations as the blocks that a slide shows: boxes, residual units, modules with branches.
//!
//! A step that every path from the image to the logits goes through is a cut. What lies between two cuts is either
//! nothing, and the later one continues a chain, or a part of the graph that forks at the first and joins at the second.

use std::collections::HashSet;

use burn::backend::ir::TensorId;

use super::unit::{Kind, Unit, fold};
use crate::trace::{Role, Step};

/// A network as a row of stages, and what hangs from it.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) stages: Vec<Stage>,
    pub(super) heads: Vec<Head>,
}

/// One block, or several equal ones in a row.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) block: Block,
    pub(super) times: usize,
    /// The last step that belongs to it.
    end: usize,
}

/// An auxiliary head.
#[derive(Debug)]
pub(super) struct Head {
    /// Index of the stage that it reads.
    pub(super) stage: usize,
    pub(super) units: Vec<Unit>,
}

#[derive(Debug)]
pub(super) enum Block {
    Unit(Unit),
    Residual {
        body: Vec<Unit>,
        shortcut: Shortcut,
    },
    Branches {
        branches: Vec<Vec<Unit>>,
        output: Vec<usize>,
    },
}

/// What a residual unit adds to its body.
#[derive(Debug)]
pub(super) enum Shortcut {
    Identity,
    /// Fewer pixels and channels of zeros.
    ZeroPad,
    Projection(Unit),
}

impl Block {
    fn is_like(&self, other: &Self) -> bool {
        let alike = |a: &[Unit], b: &[Unit]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_like(b))
        };
        match (self, other) {
            (Self::Unit(a), Self::Unit(b)) => a.is_like(b),
            (
                Self::Residual {
                    body: a,
                    shortcut: Shortcut::Identity,
                },
                Self::Residual {
                    body: b,
                    shortcut: Shortcut::Identity,
                },
            ) => alike(a, b),
            _ => false,
        }
    }

    /// Shape of the output without the batch.
    pub(super) fn output(&self) -> &[usize] {
        match self {
            Self::Unit(unit) => &unit.output,
            Self::Residual { body, .. } => body.last().map_or(&[], |unit| &unit.output),
            Self::Branches { output, .. } => output,
        }
    }

    /// Every box inside.
    pub(super) fn units(&self) -> Vec<&Unit> {
        match self {
            Self::Unit(unit) => vec![unit],
            Self::Residual { body, shortcut } => {
                let projection = match shortcut {
                    Shortcut::Projection(unit) => Some(unit),
                    Shortcut::Identity | Shortcut::ZeroPad => None,
                };
                body.iter().chain(projection).collect()
            }
            Self::Branches { branches, .. } => branches.iter().flatten().collect(),
        }
    }
}

/// Reads the blocks off the steps that lead to `logits`, and the auxiliary heads off those that lead to `heads` only.
pub(super) fn network(steps: &[Step], logits: TensorId, heads: &[TensorId]) -> Network {
    let main = leading_to(steps, logits);
    let column: Vec<usize> = (0..steps.len())
        .filter(|step| main.contains(step))
        .collect();

    let mut blocks: Vec<(Block, usize)> = Vec::new();
    let mut inside: Vec<usize> = Vec::new();
    // The last step of the column that reads anything so far, the image to begin with.
    let image = |step: &&usize| steps[**step].reads.contains(&None);
    let mut furthest = column.iter().rev().find(image).copied().unwrap_or(0);
    for &step in &column {
        let is_cut = furthest <= step;
        furthest = furthest.max(last_reader(steps, &column, step));
        if !is_cut {
            inside.push(step);
            continue;
        }
        if inside.is_empty() {
            append(&mut blocks, steps, step);
        } else {
            blocks.extend(joined(steps, &inside, step).map(|block| (block, step)));
            inside.clear();
        }
        if let Some((_, end)) = blocks.last_mut() {
            *end = step;
        }
    }

    let mut stages: Vec<Stage> = Vec::new();
    for (block, end) in blocks {
        match stages.last_mut() {
            Some(last) if last.block.is_like(&block) => {
                last.times += 1;
                last.end = end;
            }
            _ => stages.push(Stage {
                block,
                times: 1,
                end,
            }),
        }
    }
    let heads = heads.iter().filter_map(|&head| {
        let own = leading_to(steps, head);
        let chain: Vec<usize> = (0..steps.len())
            .filter(|step| own.contains(step) && !main.contains(step))
            .collect();
        let from = steps[*chain.first()?].reads.first().copied()??;
        Some(Head {
            stage: stages.iter().position(|stage| from <= stage.end)?,
            units: units(steps, &chain),
        })
    });
    let heads = heads.collect();
    Network { stages, heads }
}

/// The steps that the tensor is made by.
fn leading_to(steps: &[Step], tensor: TensorId) -> HashSet<usize> {
    let mut open: Vec<usize> = steps
        .iter()
        .rposition(|step| step.id == tensor)
        .into_iter()
        .collect();
    let mut found = HashSet::new();
    while let Some(step) = open.pop() {
        if found.insert(step) {
            open.extend(steps[step].reads.iter().flatten());
        }
    }
    found
}

fn last_reader(steps: &[Step], column: &[usize], step: usize) -> usize {
    let reads = |reader: &&usize| steps[**reader].reads.contains(&Some(step));
    column.iter().rev().find(reads).copied().unwrap_or(step)
}

fn units(steps: &[Step], chain: &[usize]) -> Vec<Unit> {
    let mut units = Vec::new();
    for &step in chain {
        fold(&mut units, &steps[step], before(steps, step));
    }
    units
}

fn before(steps: &[Step], step: usize) -> Option<&Step> {
    let read = steps[step].reads.first().copied().flatten()?;
    Some(&steps[read])
}

/// Continues the chain with a step: a new box, or a part of the last one.
fn append(blocks: &mut Vec<(Block, usize)>, steps: &[Step], step: usize) {
    let mut chain: Vec<Unit> = match blocks.last() {
        Some((Block::Unit(unit), _)) => vec![unit.clone()],
        _ => Vec::new(),
    };
    if !chain.is_empty() {
        blocks.pop();
    }
    fold(&mut chain, &steps[step], before(steps, step));
    blocks.extend(chain.into_iter().map(|unit| (Block::Unit(unit), step)));
}

/// What forks before `inside` and joins in `join`; `None` where it is arithmetic of the layer before.
fn joined(steps: &[Step], inside: &[usize], join: usize) -> Option<Block> {
    let step = &steps[join];
    let mut branches: Vec<Vec<Unit>> = parts(steps, inside)
        .iter()
        .map(|part| units(steps, part))
        .collect();
    match step.role {
        Role::Concat => {
            let output = step.output[1..].to_vec();
            Some(Block::Branches { branches, output })
        }
        _ if branches.iter().all(Vec::is_empty) => (step.output.len() == 4)
            .then(|| Block::Unit(Unit::new(Kind::Norm, "LRN", "across channels", step))),
        _ => {
            let longest = (0..branches.len()).max_by_key(|&branch| branches[branch].len())?;
            let body = branches.swap_remove(longest);
            let shortcut = match branches.pop().map(|units| units.into_iter().next()) {
                Some(Some(projection)) => Shortcut::Projection(projection),
                Some(None) => Shortcut::ZeroPad,
                None => Shortcut::Identity,
            };
            Some(Block::Residual { body, shortcut })
        }
    }
}

/// The steps that hang together, each group in its order.
fn parts(steps: &[Step], inside: &[usize]) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for &step in inside {
        let reads = |part: &Vec<usize>| {
            part.iter()
                .any(|&earlier| steps[step].reads.contains(&Some(earlier)))
        };
        let (met, mut apart): (Vec<_>, Vec<_>) = parts.into_iter().partition(reads);
        let mut merged: Vec<usize> = met.into_iter().flatten().collect();
        merged.push(step);
        merged.sort_unstable();
        apart.push(merged);
        parts = apart;
    }
    parts.sort();
    parts
}
