//! Checksums of a point's payload and vector, kept in its payload.
//!
//! They tell a damaged point from a sound one wherever it is read. Points that were written before there were any are
//! taken as they are.
//!
//! A payload is stored as JSON and read and written again on its way, and the parser in use may be off in the last
//! bits of a fraction. So fractions count with their first 39 bits of mantissa, which are twelve digits.

use blake3::Hasher;
use onespace_core::bytes::{from_hex, hex, le_bytes};
use qdrant_edge::Distance;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::journal::Row;
use crate::keys::SUMS;

const BYTES: usize = 8;
/// Bits of a fraction that do not count.
const LOOSE_BITS: u32 = 13;
/// By how much a fraction may be off after a few times through the parser, in its last bit.
const DRIFT: u64 = 8;
/// How often a vector is scaled before it stays what it is.
const ROUNDS: usize = 4;

/// The checksums of a payload and of a vector; zeros: not known.
pub(super) type Sums = [u8; 2 * BYTES];

/// A point as the engine will give it back, with its checksums.
pub(super) fn row(id: Uuid, mut payload: Map<String, Value>, vector: Vec<f32>) -> Row {
    payload.remove(SUMS);
    let (vector, stays) = settled(vector);
    let of_payload = payload_sum(&payload).unwrap_or_default();
    let of_vector = if stays { vector_sum(&vector) } else { Default::default() };
    payload.insert(SUMS.to_owned(), Value::String(hex(&of_payload) + &hex(&of_vector)));
    Row { id, payload, vector }
}

/// The checksums that a payload holds; none where it was written without.
pub(super) fn sums(payload: &Map<String, Value>) -> Option<Sums> {
    from_hex(payload.get(SUMS)?.as_str()?)
}

/// Whether a payload, and a vector unless it is empty, are what was written.
///
/// # Errors
/// What they are not.
pub(super) fn check(payload: &Map<String, Value>, vector: &[f32]) -> Result<(), &'static str> {
    if !payload.contains_key(SUMS) {
        return Ok(());
    }
    let sums = sums(payload).ok_or("its checksums cannot be read")?;
    let (of_payload, of_vector) = sums.split_at(BYTES);
    let known = |sum: &[u8]| sum.iter().any(|byte| *byte != 0);
    if known(of_payload) && payload_sum(payload).is_some_and(|sum| sum != *of_payload) {
        return Err("its payload is not what was written");
    }
    if known(of_vector) && !vector.is_empty() && vector_sum(vector) != *of_vector {
        return Err("its vector is not what was written");
    }
    Ok(())
}

/// The vector as the engine stores it, and whether that is known: it scales what is not of unit length to its own
/// precision.
fn settled(mut vector: Vec<f32>) -> (Vec<f32>, bool) {
    for _ in 0..ROUNDS {
        let scaled = Distance::Cosine.preprocess_vector::<f32>(vector.clone());
        if scaled == vector {
            return (vector, true);
        }
        vector = scaled;
    }
    (vector, false)
}

fn vector_sum(vector: &[f32]) -> [u8; BYTES] {
    first(blake3::hash(&le_bytes(vector)))
}

/// None where a fraction lies so that drift would change the sum.
fn payload_sum(payload: &Map<String, Value>) -> Option<[u8; BYTES]> {
    let mut hasher = Hasher::new();
    add_fields(&mut hasher, payload.iter().filter(|(key, _)| *key != SUMS))?;
    Some(first(hasher.finalize()))
}

fn first(hash: blake3::Hash) -> [u8; BYTES] {
    let mut sum = [0; BYTES];
    sum.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    sum
}

fn add_fields<'a>(hasher: &mut Hasher, fields: impl Iterator<Item = (&'a String, &'a Value)>) -> Option<()> {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable_by_key(|(key, _)| *key);
    add(hasher, b'o', &(fields.len() as u64).to_le_bytes());
    for (key, value) in fields {
        add(hasher, b'k', key.as_bytes());
        add_value(hasher, value)?;
    }
    Some(())
}

fn add_value(hasher: &mut Hasher, value: &Value) -> Option<()> {
    match value {
        Value::Null => add(hasher, b'0', &[]),
        Value::Bool(truth) => add(hasher, b'b', &[u8::from(*truth)]),
        Value::Number(number) => add_number(hasher, number)?,
        Value::String(text) => add(hasher, b's', text.as_bytes()),
        Value::Array(values) => {
            add(hasher, b'a', &(values.len() as u64).to_le_bytes());
            values.iter().try_for_each(|value| add_value(hasher, value))?;
        }
        Value::Object(fields) => add_fields(hasher, fields.iter())?,
    }
    Some(())
}

fn add_number(hasher: &mut Hasher, number: &Number) -> Option<()> {
    if let Some(whole) = number.as_i64() {
        add(hasher, b'i', &whole.to_le_bytes());
    } else if let Some(whole) = number.as_u64() {
        add(hasher, b'u', &whole.to_le_bytes());
    } else {
        let bits = number.as_f64()?.to_bits();
        // To the nearest, so that short fractions lie in the middle of what counts as one.
        let counted = |bits: u64| bits.wrapping_add(1 << (LOOSE_BITS - 1)) >> LOOSE_BITS;
        if counted(bits.wrapping_sub(DRIFT)) != counted(bits.wrapping_add(DRIFT)) {
            return None;
        }
        add(hasher, b'f', &counted(bits).to_le_bytes());
    }
    Some(())
}

fn add(hasher: &mut Hasher, kind: u8, bytes: &[u8]) {
    hasher.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    fn written() -> Row {
        let json = r#"{"item":"a","segment":0,"metadata":{"price":0.1,"big":123456789.125,"list":[1,"x",null,true]}}"#;
        row(Uuid::nil(), payload(json), vec![0.6, 0.8])
    }

    fn without_sums(payload: &Map<String, Value>) -> Map<String, Value> {
        payload.clone().into_iter().filter(|(key, _)| key != SUMS).collect()
    }

    #[test]
    fn any_change_is_noticed() {
        let Row { payload: sound, vector, .. } = written();
        check(&sound, &vector).unwrap();
        check(&sound, &[]).unwrap();
        let text = serde_json::to_string(&sound).unwrap();
        let mut noticed = 0;
        for index in 0..text.len() {
            for bit in 0..8 {
                let mut bytes = text.clone().into_bytes();
                bytes[index] ^= 1 << bit;
                let Ok(bent) = serde_json::from_slice::<Map<String, Value>>(&bytes) else { continue };
                // A digit of a checksum may be a capital.
                let same = sums(&bent) == sums(&sound) && without_sums(&bent) == without_sums(&sound);
                if !same && bent.contains_key(SUMS) {
                    assert!(check(&bent, &vector).is_err(), "{}", String::from_utf8_lossy(&bytes));
                    noticed += 1;
                }
            }
        }
        assert!(noticed > 400, "{noticed}");
        for index in 0..64 {
            let mut bent = vector.clone();
            bent[index / 32] = f32::from_bits(bent[index / 32].to_bits() ^ (1 << (index % 32)));
            assert!(check(&sound, &bent).is_err(), "bit {index}");
        }
    }

    #[test]
    fn what_goes_through_text_again_and_again_is_the_same() {
        let mut state = 1_u64;
        let mut known = 0;
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits((state >> 12) | (1000 + state % 60) << 52);
            let json = format!("{{\"b\":{number:?},\"a\":{:?}}}", number as f32);
            let Row { payload: mut again, vector, .. } = row(Uuid::nil(), payload(&json), vec![0.6, 0.8]);
            known += usize::from(sums(&again).unwrap()[..BYTES] != [0; BYTES]);
            for _ in 0..5 {
                again = payload(&serde_json::to_string(&again).unwrap());
                check(&again, &vector).unwrap();
            }
        }
        assert!(known >= 1_960, "{known}");
    }

    #[test]
    fn a_point_without_checksums_is_taken_as_it_is() {
        check(&payload(r#"{"item":"a"}"#), &[1.0, 0.0]).unwrap();
        assert!(check(&payload(r#"{"item":"a","sums":"xyz"}"#), &[1.0, 0.0]).is_err());
    }
}
