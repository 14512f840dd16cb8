//! Finding names: patterns, and the nearest name to a misspelt one.

use glob::Pattern;

/// Whether `name` matches `pattern` with `*`, `?` and `[…]`; a pattern that is none matches nothing.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    Pattern::new(&pattern.to_ascii_lowercase()).is_ok_and(|pattern| pattern.matches(name))
}

/// The known name that is nearest to `name`, where one is near enough to have been meant.
pub(crate) fn nearest(
    name: &str,
    known: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let scored = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known), known));
    let (distance, known) = scored.min()?;
    (distance <= 1 + known.len() / 3).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["lenet5", "resnet18", "resnet152", "plain18"];

    #[test]
    fn patterns_are_a_shells() {
        assert!(matches("resnet*", "resnet18"));
        assert!(matches("*18", "plain18"));
        assert!(matches("ResNet1?", "resnet18"));
        assert!(!matches("resnet1?", "resnet152"));
        assert!(!matches("resnet", "resnet18"));
        assert!(!matches("[", "resnet18"));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("resnt18", KNOWN), Some("resnet18"));
        assert_eq!(nearest("LeNet-5", KNOWN), Some("lenet5"));
        assert_eq!(nearest("vision_transformer", KNOWN), None);
    }
}
