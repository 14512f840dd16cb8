//! Picking intermediate feature maps out of a forward pass by name.

use std::error::Error;
use std::fmt;

use burn::tensor::Tensor;

/// The feature maps that a caller asked for, collected while a forward pass goes by.
///
/// A network writes its forward pass once and offers every named map; nothing is kept unless it was asked for.
#[derive(Debug)]
pub struct FeatureTaps<'a> {
    wanted: &'a [&'a str],
    maps: Vec<Option<Tensor<4>>>,
}

impl<'a> FeatureTaps<'a> {
    /// Keeps nothing: for a forward pass whose maps nobody wants.
    #[must_use]
    pub fn none() -> Self {
        Self {
            wanted: &[],
            maps: Vec::new(),
        }
    }

    /// Keeps the maps named in `wanted`, of a network whose maps are `known`.
    ///
    /// # Errors
    /// The first wanted name that is not known.
    pub fn new(wanted: &'a [&'a str], known: Vec<&'static str>) -> Result<Self, UnknownFeature> {
        match wanted.iter().find(|name| !known.contains(name)) {
            Some(name) => Err(UnknownFeature {
                name: (*name).to_owned(),
                known,
            }),
            None => Ok(Self {
                wanted,
                maps: vec![None; wanted.len()],
            }),
        }
    }

    /// Shows a map that the forward pass has just computed.
    pub fn offer(&mut self, name: &str, map: &Tensor<4>) {
        for (wanted, slot) in self.wanted.iter().zip(&mut self.maps) {
            if *wanted == name {
                *slot = Some(map.clone());
            }
        }
    }

    /// The maps, in the order in which they were asked for.
    ///
    /// # Panics
    /// If the network did not offer a map that it had declared as known: a mistake in the network.
    #[must_use]
    pub fn into_maps(self) -> Vec<Tensor<4>> {
        let missing = |name| format!("the network declares the map {name:?} but never offered it");
        self.wanted
            .iter()
            .zip(self.maps)
            .map(|(name, map)| map.unwrap_or_else(|| panic!("{}", missing(name))))
            .collect()
    }
}

/// A feature map was asked for under a name that the network does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFeature {
    /// The name asked for.
    pub name: String,
    /// The names that the network has, in the order of the forward pass.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, known } = self;
        match known.as_slice() {
            [] => write!(
                f,
                "no feature map is called {name:?}: this network names none"
            ),
            _ => write!(
                f,
                "no feature map is called {name:?}: this network has {}",
                known.join(", ")
            ),
        }
    }
}

impl Error for UnknownFeature {}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn maps_come_back_in_the_order_asked_for_and_twice_if_asked_twice() {
        let device = Device::flex();
        let mut taps =
            FeatureTaps::new(&["b", "a", "b"], vec!["a", "b", "c"]).expect("known names");
        for (name, channels) in [("a", 1), ("b", 2), ("c", 3)] {
            taps.offer(name, &Tensor::zeros([1, channels, 1, 1], &device));
        }
        let channels: Vec<_> = taps.into_maps().iter().map(|map| map.dims()[1]).collect();
        assert_eq!(channels, [2, 1, 2]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error =
            FeatureTaps::new(&["a", "layer9"], vec!["a", "b"]).expect_err("layer9 does not exist");
        assert_eq!(
            error.to_string(),
            "no feature map is called \"layer9\": this network has a, b"
        );
        let error = FeatureTaps::new(&["a"], Vec::new()).expect_err("there are no names");
        assert_eq!(
            error.to_string(),
            "no feature map is called \"a\": this network names none"
        );
    }
}
