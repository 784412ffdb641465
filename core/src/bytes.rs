//! Bytes as digits, and floats as bytes.

use std::fmt::Write;

/// Two hexadecimal digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Floats, little-endian, one after the other.
#[must_use]
pub fn le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The floats of [`le_bytes`]; none where the bytes are no whole number of them.
#[must_use]
pub fn le_floats(bytes: &[u8]) -> Option<Vec<f32>> {
    let (values, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
        let values = [1.5, -2.0, f32::MAX];
        assert_eq!(le_floats(&le_bytes(&values)).unwrap(), values);
        assert_eq!(le_bytes(&[1.0]), [0, 0, 0x80, 0x3f]);
        assert_eq!(le_floats(&[0; 5]), None);
    }
}
