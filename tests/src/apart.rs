//! The shipped bundle taken apart: a space that cannot hear, and one elsewhere that can.

use std::{
    fs,
    path::{Path, PathBuf},
};

use onespace_core::Fingerprint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use toml::Table;

use crate::bundle;

/// The shipped bundle without its audio tower.
#[must_use]
pub fn silent(folder: &Path) -> PathBuf {
    let mut manifest = shipped();
    let audio = manifest["towers"].as_table_mut().unwrap().remove("audio").unwrap();
    let theirs = [&audio["model"], &audio["alignment"], &audio["golden"]["input"], &audio["golden"]["vector"]];
    let files = manifest["files"].as_table_mut().unwrap();
    theirs.iter().for_each(|path| drop(files.remove(path.as_str().unwrap())));
    if let Some(pairs) = manifest.get_mut("calibration").and_then(|pairs| pairs.as_array_mut()) {
        pairs.retain(|pair| [&pair["query"], &pair["item"]].iter().all(|modality| modality.as_str() != Some("audio")));
    }
    let out = folder.join("silent");
    for path in manifest["files"].as_table().unwrap().keys() {
        place(&out, path, &fs::read(bundle().join(path)).unwrap());
    }
    write(&out, manifest, "silent")
}

/// The shipped text and audio towers in a space of their own: its vectors are the shipped ones backwards, every other
/// value with its sign turned. A rotation brings it back, and nothing less does.
#[must_use]
pub fn elsewhere(folder: &Path) -> PathBuf {
    let (mut manifest, out) = (shipped(), folder.join("elsewhere"));
    let dimension = usize::try_from(manifest["dimension"].as_integer().unwrap()).unwrap();
    let towers = manifest["towers"].as_table_mut().unwrap();
    towers.retain(|modality, _| ["text", "audio"].contains(&modality));
    for (modality, tower) in towers.iter_mut() {
        let native = usize::try_from(tower["native_dimension"].as_integer().unwrap()).unwrap();
        let own = tower.get("alignment").map(|path| tensors(&fs::read(bundle().join(path.as_str().unwrap())).unwrap()));
        let unit = |row: usize| (0..native).map(|at| if at == row { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let (weight, bias) = own.unwrap_or_else(|| ((0..dimension).flat_map(unit).collect(), vec![0.0; dimension]));
        let rows: Vec<_> = turned(weight.chunks_exact(native).map(<[f32]>::to_vec).collect(), |row, sign| {
            row.iter_mut().for_each(|value| *value *= sign);
        });
        let bias = turned(bias, |value, sign| *value *= sign);
        let alignment = format!("{modality}.safetensors");
        place(&out, &alignment, &safetensors(&rows.concat(), &bias, native));
        let golden = fs::read(bundle().join(tower["golden"]["vector"].as_str().unwrap())).unwrap();
        let golden = turned(floats(&golden), |value, sign| *value *= sign);
        place(&out, &format!("{modality}.f32"), &bytes(&golden));
        for path in [Some(&tower["model"]), Some(&tower["golden"]["input"]), tower["preprocess"].get("tokenizer")] {
            let Some(path) = path.and_then(|path| path.as_str()) else { continue };
            place(&out, path, &fs::read(bundle().join(path)).unwrap());
        }
        tower["golden"]["vector"] = format!("{modality}.f32").into();
        tower.as_table_mut().unwrap().insert("alignment".to_owned(), alignment.into());
    }
    place(&out, "LICENSE", b"to be kept with the towers");
    manifest.retain(|key, _| !["calibration", "matryoshka"].contains(&key));
    write(&out, manifest, "elsewhere")
}

/// Backwards, with a sign for each.
fn turned<T>(values: Vec<T>, sign: impl Fn(&mut T, f32)) -> Vec<T> {
    let mut turned: Vec<T> = values.into_iter().rev().collect();
    turned.iter_mut().zip([1.0, -1.0].into_iter().cycle()).for_each(|(value, turn)| sign(value, turn));
    turned
}

fn shipped() -> Table {
    fs::read_to_string(bundle().join("bundle.toml")).unwrap().parse().unwrap()
}

fn place(out: &Path, path: &str, bytes: &[u8]) {
    let to = out.join(path);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::write(to, bytes).unwrap();
}

/// Writes a manifest over all that lies in a folder.
fn write(out: &Path, mut manifest: Table, name: &str) -> PathBuf {
    let mut files = Table::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let mut entry = Table::new();
            let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            entry.insert("sha256".to_owned(), digest.into());
            entry.insert("bytes".to_owned(), i64::try_from(bytes.len()).unwrap().into());
            files.insert(path.strip_prefix(out).unwrap().display().to_string(), entry.into());
        }
    }
    manifest.insert("name".to_owned(), name.into());
    manifest.insert("files".to_owned(), files.into());
    fs::write(out.join("bundle.toml"), toml::to_string(&manifest).unwrap()).unwrap();
    out.to_owned()
}

/// `weight` and `bias` of an alignment.
fn tensors(file: &[u8]) -> (Vec<f32>, Vec<f32>) {
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let (head, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let head: Value = serde_json::from_slice(head).unwrap();
    let tensor = |name: &str| {
        let at = |side: usize| usize::try_from(head[name]["data_offsets"][side].as_u64().unwrap()).unwrap();
        floats(&data[at(0)..at(1)])
    };
    (tensor("weight"), tensor("bias"))
}

fn safetensors(weight: &[f32], bias: &[f32], native: usize) -> Vec<u8> {
    let (split, end) = (4 * weight.len(), 4 * (weight.len() + bias.len()));
    let head = json!({
        "weight": {"dtype": "F32", "shape": [bias.len(), native], "data_offsets": [0, split]},
        "bias": {"dtype": "F32", "shape": [bias.len()], "data_offsets": [split, end]},
    })
    .to_string();
    [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &bytes(weight), &bytes(bias)].concat()
}

/// An array as NumPy saves it.
#[must_use]
pub fn npy(rows: &[Vec<f32>]) -> Vec<u8> {
    let head = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}\n", rows.len(), rows[0].len());
    let length = u16::try_from(head.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], head.as_bytes(), &bytes(&rows.concat())].concat()
}

/// Unit vectors that look random, another for each number.
#[must_use]
pub fn direction(number: usize, length: usize) -> Vec<f32> {
    let value = |at: usize| {
        let digest = Fingerprint::of(format!("{number} {at}").as_bytes()).to_string();
        f32::from(u16::from_str_radix(&digest[..4], 16).unwrap()) / 32768.0 - 1.0
    };
    (0..length).map(value).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
