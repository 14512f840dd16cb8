//! PyTorch's name and layout of a parameter, from Burn's path to it.

/// The path of the module being visited, as visitors and mappers are told of it.
#[derive(Debug, Default)]
pub(super) struct Path {
    names: Vec<String>,
    /// Type of the innermost container, for each name.
    containers: Vec<String>,
}

impl Path {
    pub(super) fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    pub(super) fn exit(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    /// PyTorch's key: the variants of an enum have no counterpart in it, and normalisations name their values
    /// otherwise.
    pub(super) fn key(&self) -> String {
        let names = self.names.iter().zip(&self.containers);
        let parts: Vec<_> = names
            .filter(|(_, container)| !container.starts_with("Enum:"))
            .map(
                |(name, container)| match (container.as_str(), name.as_str()) {
                    ("Struct:BatchNorm", "gamma") => "weight",
                    ("Struct:BatchNorm", "beta") => "bias",
                    (_, name) => name,
                },
            )
            .collect();
        parts.join(".")
    }

    /// PyTorch's shape of a parameter of this shape, and the PyTorch index of each of its elements.
    ///
    /// Only the matrix of a `Linear` differs: Burn's element (i, o) is PyTorch's (o, i).
    pub(super) fn layout(&self, shape: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let count = shape.iter().product();
        match (self.containers.last().map(String::as_str), shape) {
            (Some("Struct:Linear"), &[inputs, outputs]) => {
                let index = |at| (at % outputs) * inputs + at / outputs;
                (vec![outputs, inputs], (0..count).map(index).collect())
            }
            _ => (shape.to_vec(), (0..count).collect()),
        }
    }
}
