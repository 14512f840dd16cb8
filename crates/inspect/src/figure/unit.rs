//! A layer with its normalisation and activation: what a figure draws as one box.

use crate::trace::{Role, Step};

/// The kinds of boxes, each with a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conv,
    Pool,
    Norm,
    Linear,
    /// LeNet-5's output units: squared distances to fixed vectors.
    Distances,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Conv,
        Self::Pool,
        Self::Norm,
        Self::Linear,
        Self::Distances,
    ];

    /// Its name in the legend.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Conv => "convolution",
            Self::Pool => "pooling",
            Self::Norm => "local response normalisation",
            Self::Linear => "fully connected",
            Self::Distances => "radial basis functions",
        }
    }
}

/// One box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// Kernel and stride: `3×3 / 2`; of a layer without one, what it is.
    pub(super) title: String,
    /// The kind in a word or two: `conv`, `max pool`.
    pub(super) what: &'static str,
    /// `2 groups`, where there are several.
    pub(super) groups: Option<String>,
    /// Normalisation and activation, in their order.
    pub(super) notes: Vec<&'static str>,
    /// Shape of the output without the batch.
    pub(super) output: Vec<usize>,
    /// Path of the module, where it has parameters.
    pub(super) path: String,
}

impl Unit {
    pub(super) fn new(kind: Kind, title: &str, what: &'static str, step: &Step) -> Self {
        let mut parts = title.split(", ");
        Self {
            kind,
            title: parts.next().unwrap_or_default().to_owned(),
            what,
            groups: parts.next().map(str::to_owned),
            notes: Vec::new(),
            output: step.output[1..].to_vec(),
            path: step
                .owner
                .as_ref()
                .map_or(String::new(), |owner| owner.path.clone()),
        }
    }

    /// Whether it looks like `other`, wherever it stands.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let path = other.path.clone();
        Self {
            path,
            ..self.clone()
        } == *other
    }

    /// Channels of a map, units of a vector.
    pub(super) fn channels(&self) -> usize {
        self.output.first().copied().unwrap_or(0)
    }

    /// One line: `3×3 / 2, 128`.
    pub(super) fn line(&self) -> String {
        match self.kind {
            Kind::Conv => format!("{}, {}", self.title, self.channels()),
            Kind::Linear => format!("fc {}", self.channels()),
            Kind::Pool | Kind::Norm | Kind::Distances => format!("{} {}", self.title, self.what),
        }
    }

    /// Takes an activation or a normalisation into the box.
    fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Adds a step to a chain of boxes: a new one, or a part of the last.
pub(super) fn fold(units: &mut Vec<Unit>, step: &Step, before: Option<&Step>) {
    if let Some(owner) = &step.owner {
        match owner.kind.as_str() {
            "BatchNorm" => units
                .last_mut()
                .into_iter()
                .for_each(|last| last.note("BN")),
            "SubSampling" => {
                if let Some(last) = units.last_mut() {
                    last.what = "sub-sampling";
                    last.path.clone_from(&owner.path);
                }
            }
            // The bias of a layer may be an operation of its own.
            _ if step.multiply_adds == 0 => {}
            _ => units.push(match &step.kernel {
                Some(kernel) => Unit::new(Kind::Conv, kernel, "conv", step),
                None => Unit::new(Kind::Linear, &step.output[1].to_string(), "fc", step),
            }),
        }
        return;
    }
    let kernel = step.kernel.as_deref().unwrap_or_default();
    match (step.pooling, step.role) {
        (Some("MaxPool2d"), _) => units.push(Unit::new(Kind::Pool, kernel, "max pool", step)),
        (Some("AvgPool2d"), _) => units.push(Unit::new(Kind::Pool, kernel, "avg pool", step)),
        // To the size that the map has already, it does nothing.
        (Some(_), _) if before.is_some_and(|before| before.output == step.output) => {}
        (Some(_), _) if step.output[2..] == [1, 1] => {
            units.push(Unit::new(Kind::Pool, "global", "avg pool", step));
        }
        (Some(_), _) => {
            let title = format!("to {}×{}", step.output[2], step.output[3]);
            units.push(Unit::new(Kind::Pool, &title, "avg pool", step));
        }
        (None, Role::Mean) => {
            let mut unit = Unit::new(Kind::Pool, "global", "avg pool", step);
            unit.output.truncate(1);
            units.push(unit);
        }
        // The squares of a difference, added up.
        (None, Role::Sum) => {
            let title = step.output[1].to_string();
            let mut unit = Unit::new(Kind::Distances, &title, "RBF distances", step);
            unit.output.truncate(1);
            units.push(unit);
        }
        (None, Role::Activation(name)) => {
            units
                .last_mut()
                .into_iter()
                .for_each(|last| last.note(name));
        }
        (None, Role::Add | Role::Concat | Role::Other) => {}
    }
}
