//! Payload indexes of the engine.

use std::collections::BTreeSet;

use onespace_core::{FieldKind, Result};
use qdrant_edge::{
    CreateIndex, FieldIndexOperations, KeywordIndexParams, PayloadFieldSchema, PayloadSchemaParams, PayloadSchemaType,
    UpdateOperation,
};

use super::{engine::Engine, filter::path};
use crate::{description::Index, keys::metadata_key};

impl Engine {
    /// Makes payload indexes of what is stored; what is written later goes into them. One that exists already stays.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn make_indexes(&self, indexes: &[Index]) -> Result<()> {
        for index in indexes {
            let create = CreateIndex { field_name: path(&index.key)?, field_schema: Some(schema(index)) };
            self.update(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(create)))?;
        }
        Ok(())
    }

    /// Makes the payload indexes of those metadata fields that the description names as indexed.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn index_fields(&self, fields: &BTreeSet<String>) -> Result<()> {
        self.make_indexes(&self.description().field_indexes(fields)?)
    }

    /// Removes the payload indexes of metadata fields, where there are any.
    ///
    /// # Errors
    /// `STORE_FAILED`.
    pub(super) fn drop_indexes(&self, fields: &BTreeSet<String>) -> Result<()> {
        for field in fields {
            let drop = FieldIndexOperations::DeleteIndex(path(&metadata_key(field, "indexed")?)?);
            self.update(UpdateOperation::FieldIndexOperation(drop))?;
        }
        Ok(())
    }
}

fn schema(index: &Index) -> PayloadFieldSchema {
    if index.tenant {
        let params = KeywordIndexParams { is_tenant: Some(true), ..KeywordIndexParams::default() };
        return PayloadFieldSchema::FieldParams(PayloadSchemaParams::Keyword(params));
    }
    PayloadFieldSchema::FieldType(match index.kind {
        FieldKind::Keyword => PayloadSchemaType::Keyword,
        FieldKind::Integer => PayloadSchemaType::Integer,
        FieldKind::Float => PayloadSchemaType::Float,
        FieldKind::Bool => PayloadSchemaType::Bool,
    })
}
