//! `cargo xtask keys`: the table of every key of a run file, from the doc comments of the schema.

use quote::ToTokens;
use syn::{Attribute, Expr, Field, Fields, File, Item, Lit, Meta};

use crate::tidy::Tree;

/// The document that holds the table, between these two lines.
pub(crate) const DOCUMENT: &str = "docs/run-files.md";
/// The list for `zoo config`.
pub(crate) const LIST: &str = "crates/cli/src/commands/config/keys.txt";
const BEGIN: &str = "<!-- keys: made by `cargo xtask keys` -->\n";
const END: &str = "<!-- end of keys -->\n";

/// Section of the run file, the file of its type, and the type.
const SECTIONS: [(&str, &str, &str); 14] = [
    ("", "config/schema.rs", "RunFile"),
    ("model", "config/schema.rs", "ModelSection"),
    ("data", "config/schema.rs", "DataSection"),
    ("augment", "config/augment.rs", "AugmentSection"),
    (
        "augment.color_jitter",
        "config/augment.rs",
        "ColorJitterSection",
    ),
    ("augment.erasing", "config/augment.rs", "ErasingSection"),
    ("optimizer", "optim/section.rs", "OptimizerSection"),
    ("param_groups", "optim/groups.rs", "ParamGroupsSection"),
    ("schedule", "schedule/section.rs", "ScheduleSection"),
    ("train", "config/schema.rs", "TrainSection"),
    ("ema", "ema.rs", "EmaSection"),
    ("checkpoint", "config/schema.rs", "CheckpointSection"),
    ("logs", "config/schema.rs", "LogsSection"),
    ("devices", "config/devices.rs", "DevicesSection"),
];

/// The document with the table as the schema has it now.
///
/// # Errors
/// One sentence, where the schema or the place of the table is not found.
pub(crate) fn document(tree: &Tree) -> Result<String, String> {
    let text = tree
        .text(DOCUMENT)
        .ok_or(format!("{DOCUMENT} is missing"))?;
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or(format!("{DOCUMENT}: no line {BEGIN}"))?;
    let (_, after) = rest
        .split_once(END)
        .ok_or(format!("{DOCUMENT}: no line {END}"))?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", table(tree)?))
}

fn table(tree: &Tree) -> Result<String, String> {
    let mut text = String::from("| key | type | default | meaning |\n|---|---|---|---|\n");
    for row in rows(tree)? {
        let kind = row
            .kind
            .map_or(String::new(), |kind| format!(" (`{kind}`)"));
        text += &format!(
            "| `{}`{kind} | {} | {} | {} |\n",
            row.key, row.names, row.default, row.meaning
        );
    }
    Ok(text)
}

/// The keys and their defaults for `zoo config`, one to a line; those of optimizers are always printed and left out.
///
/// # Errors
/// One sentence, where the schema is not found.
pub(crate) fn defaults(tree: &Tree) -> Result<String, String> {
    let rows = rows(tree)?.into_iter().filter(|row| row.kind.is_none());
    let lines = rows.map(|row| format!("{} {}\n", row.key, row.default.replace("\\|", "|")));
    Ok(lines.collect())
}

/// A key of a run file.
struct Row {
    key: String,
    /// The `kind` that has it, where not all have.
    kind: Option<String>,
    names: String,
    default: String,
    meaning: String,
}

fn rows(tree: &Tree) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let sources = tree
        .texts()
        .filter(|(path, _)| path.starts_with("crates/trainer/src/"));
    let sources: Vec<File> = sources
        .filter_map(|(_, text)| syn::parse_file(text).ok())
        .collect();
    for (section, file, name) in SECTIONS {
        let path = format!("crates/trainer/src/{file}");
        let text = tree.text(&path).ok_or(format!("{path} is missing"))?;
        let file = syn::parse_file(text).map_err(|error| format!("{path}: {error}"))?;
        let keys = keys(&file, name).ok_or(format!("{path}: there is no {name}"))?;
        for (kind, field) in keys {
            let key = field
                .ident
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let type_of = field.ty.to_token_stream().to_string().replace(' ', "");
            if type_of.contains("Section") {
                continue;
            }
            let choice = choice(&sources, &type_of);
            let (names, usual) = choice.unwrap_or_else(|| (type_name(&type_of), None));
            let usual = usual.filter(|_| !type_of.starts_with("Option"));
            let default = usual.unwrap_or_else(|| default(&file, field, &type_of));
            let dot = if section.is_empty() { "" } else { "." };
            rows.push(Row {
                key: format!("{section}{dot}{key}"),
                kind,
                names,
                default,
                meaning: doc(&field.attrs),
            });
        }
    }
    Ok(rows)
}

/// The fields of a struct, or of every variant of an enum with the variant's name.
fn keys<'a>(file: &'a File, name: &str) -> Option<Vec<(Option<String>, &'a Field)>> {
    file.items.iter().find_map(|item| match item {
        Item::Struct(own) if own.ident == name => {
            Some(own.fields.iter().map(|field| (None, field)).collect())
        }
        Item::Enum(own) if own.ident == name => {
            let variants = own
                .variants
                .iter()
                .filter_map(|variant| match &variant.fields {
                    Fields::Named(fields) => {
                        let kind = variant.ident.to_string().to_lowercase();
                        Some(
                            fields
                                .named
                                .iter()
                                .map(move |field| (Some(kind.clone()), field)),
                        )
                    }
                    _ => None,
                });
            Some(variants.flatten().collect())
        }
        _ => None,
    })
}

/// The names of an enum without fields, and the default one.
fn choice(sources: &[File], type_of: &str) -> Option<(String, Option<String>)> {
    let name = type_of.trim_start_matches("Option<").trim_end_matches('>');
    let items = sources.iter().flat_map(|file| &file.items);
    let own = items.filter_map(|item| match item {
        Item::Enum(own) if own.ident == name => Some(own),
        _ => None,
    });
    let own = own.into_iter().next()?;
    if own
        .variants
        .iter()
        .any(|variant| !matches!(variant.fields, Fields::Unit))
    {
        return None;
    }
    let snake = |variant: &syn::Variant| {
        let mut text = String::from("\"");
        for (at, letter) in variant.ident.to_string().char_indices() {
            if at > 0 && letter.is_uppercase() {
                text.push('_');
            }
            text.extend(letter.to_lowercase());
        }
        text + "\""
    };
    let is_default = |variant: &&syn::Variant| {
        let mut attributes = variant.attrs.iter();
        attributes.any(|attribute| attribute.path().is_ident("default"))
    };
    let names: Vec<String> = own.variants.iter().map(snake).collect();
    Some((
        names.join(" \\| "),
        own.variants.iter().find(is_default).map(snake),
    ))
}

/// A Rust type in the words of a TOML file.
fn type_name(of: &str) -> String {
    let of = of
        .strip_prefix("Option<")
        .and_then(|of| of.strip_suffix('>'))
        .unwrap_or(of);
    match of {
        "usize" | "u64" => "integer".into(),
        "f64" | "f32" => "number".into(),
        "bool" => "boolean".into(),
        "String" | "PathBuf" => "string".into(),
        "Vec<String>" => "strings".into(),
        "[f64;2]" | "[usize;2]" => "two numbers".into(),
        "Vec<usize>" | "Vec<f64>" => "numbers".into(),
        of if of.starts_with("BTreeMap") => "table of numbers".into(),
        "BatchSize" => "integer or \"auto\"".into(),
        other => other.to_owned(),
    }
}

/// What holds where the key is left out.
fn default(file: &File, field: &Field, type_of: &str) -> String {
    let attribute = field
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("serde"));
    let text = attribute.map(|own| own.meta.to_token_stream().to_string());
    let Some(text) = text.filter(|text| text.contains("default")) else {
        return if type_of.starts_with("Option") {
            "none"
        } else {
            "required"
        }
        .into();
    };
    if let Some(function) = text.split("default = \"").nth(1) {
        let function = function.split('"').next().unwrap_or_default();
        return returned(file, function).unwrap_or_else(|| "see its meaning".into());
    }
    match type_of {
        of if of.starts_with("Option") => "none".into(),
        "usize" | "u64" | "f64" => "0".into(),
        "bool" => "false".into(),
        of if of.starts_with("Vec") || of.starts_with("BTreeMap") => "empty".into(),
        _ => "see its meaning".into(),
    }
}

/// The expression that a function without parameters consists of.
fn returned(file: &File, name: &str) -> Option<String> {
    file.items.iter().find_map(|item| match item {
        Item::Fn(own) if own.sig.ident == name => {
            let body = own.block.stmts.first()?.to_token_stream().to_string();
            let body = body.replace(' ', "").replace(',', ", ");
            Some(if body == "PREFETCH>>20" {
                "256".into()
            } else {
                body
            })
        }
        _ => None,
    })
}

fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Some(text.value().trim().to_owned()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_schema() {
        let tree = Tree::read().expect("this is a checkout");
        let table = table(&tree).expect("every section is found");
        for row in [
            "| `data.batch_size` | integer or \"auto\" |",
            "| `checkpoint.monitor` | \"top1\" \\| \"top5\" \\| \"loss\" | \"top1\" |",
            "| `optimizer.lr` (`sgd`) | number | required | Peak learning rate. |",
            "| `train.epochs` | integer | required | Passes over the training images. |",
            "| `optimizer.momentum` (`sgd`) | number | 0 |",
        ] {
            assert!(table.contains(row), "{row} is not in\n{table}");
        }
    }
}
