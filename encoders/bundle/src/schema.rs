//! The manifest as a JSON Schema, for editors and for whoever writes manifests with a program.

use std::collections::BTreeMap;

use onespace_core::{Error, Modality, Result, UsageRestriction};
use schemars::{
    r#gen::SchemaGenerator,
    schema::{InstanceType, Schema, SchemaObject},
    schema_for,
};
use serde_json::Value;

use crate::Manifest;

/// The JSON Schema (draft 7) of `bundle.toml`, made from the types that read it, ending in a line feed.
///
/// # Errors
/// `INTERNAL` if it cannot be written down, which the tests rule out.
pub fn manifest_schema() -> Result<String> {
    let schema = serde_json::to_value(schema_for!(Manifest)).map(sorted);
    let text = schema.and_then(|schema| serde_json::to_string_pretty(&schema));
    Ok(text.map_err(|error| Error::internal(error.to_string()))? + "\n")
}

/// Keys in the order of the alphabet, whether or not another crate of the build had `serde_json` keep theirs.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(entries) => Value::Array(entries.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// One of the modalities, by name.
pub(crate) fn modality(_: &mut SchemaGenerator) -> Schema {
    names(Modality::ALL.map(Modality::name))
}

/// One of the usages, by name.
pub(crate) fn usage(_: &mut SchemaGenerator) -> Schema {
    names(UsageRestriction::ALL.map(UsageRestriction::name))
}

fn names<const N: usize>(names: [&'static str; N]) -> Schema {
    let values = names.into_iter().map(Value::from).collect();
    let word = SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        enum_values: Some(values),
        ..SchemaObject::default()
    };
    word.into()
}
