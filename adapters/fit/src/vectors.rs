//! Vectors in files: NPY, safetensors, Parquet.

use std::{fs, fs::File, path::Path};

use anyhow::{Context, Result, bail};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use safetensors::{Dtype, SafeTensors};

/// The names of both sides, as tensors and as columns.
const SIDES: [&str; 2] = ["source", "target"];

type Vectors = Vec<Vec<f32>>;

/// An array `[n, d]` of float32 or float64, in C order and little-endian, as NumPy saves it (NEP 1).
///
/// # Errors
/// Names the file, and what it is in place of such an array.
pub fn npy(path: &Path) -> Result<Vectors> {
    let read = || {
        let bytes = fs::read(path)?;
        let (head, data) = npy_parts(&bytes).context("is no .npy file")?;
        let of = |key: &str| head.split_once(key).map(|(_, rest)| rest.trim_start_matches([' ', ':']));
        let kind = of("'descr'").and_then(|rest| rest.split('\'').nth(1)).unwrap_or_default();
        let shape = of("'shape'").and_then(|rest| rest.trim_start_matches('(').split(')').next()).unwrap_or_default();
        let sides: Vec<usize> = shape.split(',').filter_map(|side| side.trim().parse().ok()).collect();
        let [rows, length] = sides[..] else { bail!("is an array ({shape}), [n, d] is expected") };
        if of("'fortran_order'").is_none_or(|rest| !rest.starts_with("False")) {
            bail!("is in Fortran order, save np.ascontiguousarray of it");
        }
        let values: Vec<f32> = match kind {
            "<f4" => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            "<f8" => data.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
            other => bail!("holds \"{other}\", float32 or float64 is expected"),
        };
        if length == 0 || rows.checked_mul(length) != Some(values.len()) {
            bail!("holds {} values, its head says {rows} × {length}", values.len());
        }
        Ok(values.chunks_exact(length).map(<[f32]>::to_vec).collect())
    };
    read().with_context(|| path.display().to_string())
}

/// The head's text and the data behind it.
fn npy_parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = if version[0] == 1 {
        let (length, rest) = rest.split_first_chunk::<2>()?;
        (usize::from(u16::from_le_bytes(*length)), rest)
    } else {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*length) as usize, rest)
    };
    let (head, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(head).ok()?, data))
}

/// The tensors `source` and `target`, float32 `[n, d]`.
///
/// # Errors
/// Names the file, and the tensor that is missing or of another kind.
pub fn safetensors(path: &Path) -> Result<(Vectors, Vectors)> {
    let read = || {
        let bytes = fs::read(path)?;
        let file = SafeTensors::deserialize(&bytes)?;
        let side = |name: &str| {
            let tensor = file.tensor(name).with_context(|| format!("there is no tensor \"{name}\""))?;
            let (Dtype::F32, &[_, length]) = (tensor.dtype(), tensor.shape()) else {
                bail!("\"{name}\" is {:?} {:?}, F32 [n, d] is expected", tensor.dtype(), tensor.shape());
            };
            let values: Vec<f32> =
                tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            Ok(values.chunks_exact(length.max(1)).map(<[f32]>::to_vec).collect())
        };
        anyhow::Ok((side("source")?, side("target")?))
    };
    read().with_context(|| path.display().to_string())
}

/// The list columns `source` and `target` of float or double.
///
/// # Errors
/// Names the file, and the row and column that hold something else.
pub fn parquet(path: &Path) -> Result<(Vectors, Vectors)> {
    let read = || {
        let reader = SerializedFileReader::new(File::open(path)?)?;
        let mut sides = [Vec::new(), Vec::new()];
        for (at, row) in reader.get_row_iter(None)?.enumerate() {
            let row = row?;
            for (side, name) in sides.iter_mut().zip(SIDES) {
                let field = row.get_column_iter().find(|(column, _)| *column == name);
                let (_, field) = field.with_context(|| format!("there is no column \"{name}\""))?;
                side.push(list(field).with_context(|| format!("row {at}, column \"{name}\""))?);
            }
        }
        let [source, target] = sides;
        anyhow::Ok((source, target))
    };
    read().with_context(|| path.display().to_string())
}

fn list(field: &Field) -> Result<Vec<f32>> {
    let Field::ListInternal(list) = field else { bail!("{field} is no list of numbers") };
    let number = |value: &Field| match value {
        Field::Float(value) => Ok(*value),
        Field::Double(value) => Ok(*value as f32),
        other => bail!("{other} is neither float nor double"),
    };
    list.elements().iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::{
        column::writer::ColumnWriter, data_type::FloatType, file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };
    use safetensors::tensor::{TensorView, serialize};

    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn saved(kind: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(u16::try_from(head.len()).unwrap().to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn numpy_arrays_are_read() {
        let single: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let double: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        for (kind, data) in [("<f4", &single), ("<f8", &double)] {
            let (_folder, path) = file("a.npy", &saved(kind, "False", "(2, 2)", data));
            assert_eq!(npy(&path).unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
        }
        for (bytes, message) in [
            (b"PK".to_vec(), "is no .npy"),
            (saved("<f4", "False", "(4,)", &single), "[n, d]"),
            (saved("<f4", "True", "(2, 2)", &single), "Fortran"),
            (saved("<i4", "False", "(2, 2)", &single), "\"<i4\""),
            (saved("<f4", "False", "(3, 2)", &single), "3 × 2"),
            (saved("<f4", "False", "(99999999999, 99999999999)", &single), "its head says"),
        ] {
            let (_folder, path) = file("a.npy", &bytes);
            let error = format!("{:#}", npy(&path).unwrap_err());
            assert!(error.contains(message) && error.contains("a.npy"), "{error}");
        }
    }

    #[test]
    fn tensors_and_columns_are_read() {
        let wanted = (vec![vec![1.0, 2.0], vec![3.0, 4.0]], vec![vec![5.0], vec![6.0]]);
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let (source, target) = (bytes(&[1.0, 2.0, 3.0, 4.0]), bytes(&[5.0, 6.0]));
        let views = [
            ("source", TensorView::new(Dtype::F32, vec![2, 2], &source).unwrap()),
            ("target", TensorView::new(Dtype::F32, vec![2, 1], &target).unwrap()),
        ];
        let (_folder, path) = file("a.safetensors", &serialize(views, None).unwrap());
        assert_eq!(safetensors(&path).unwrap(), wanted);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let column = |name: &str| {
            format!("optional group {name} (LIST) {{ repeated group list {{ optional float element; }} }}")
        };
        let schema =
            parse_message_type(&format!("message pairs {{ {} {} }}", column("source"), column("target"))).unwrap();
        let mut writer =
            SerializedFileWriter::new(File::create(&path).unwrap(), Arc::new(schema), Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        for (values, repeats) in [(&[1.0, 2.0, 3.0, 4.0][..], &[0, 1, 0, 1][..]), (&[5.0, 6.0], &[0, 0])] {
            let mut column = group.next_column().unwrap().unwrap();
            let levels = vec![3; values.len()];
            assert!(matches!(column.untyped(), ColumnWriter::FloatColumnWriter(_)));
            column.typed::<FloatType>().write_batch(values, Some(&levels), Some(repeats)).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        assert_eq!(parquet(&path).unwrap(), wanted);
    }
}
