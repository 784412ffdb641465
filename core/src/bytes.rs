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

/// The bytes of [`hex`], in small digits or capitals; none where the digits are others, or not as many.
#[must_use]
pub fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty())?.try_into().ok()
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
        assert_eq!(from_hex("0001abff"), Some([0, 1, 0xab, 0xff]));
        assert_eq!(from_hex("ABff"), Some([0xab, 0xff]));
        for wrong in ["", "ab", "abf", "abffa", "abffab", "+bff", "é12"] {
            assert_eq!(from_hex::<2>(wrong), None, "{wrong}");
        }
        let values = [1.5, -2.0, f32::MAX];
        assert_eq!(le_floats(&le_bytes(&values)).unwrap(), values);
        assert_eq!(le_bytes(&[1.0]), [0, 0, 0x80, 0x3f]);
        assert_eq!(le_floats(&[0; 5]), None);
    }
}
