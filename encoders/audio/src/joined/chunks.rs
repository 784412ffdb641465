//! Files of chunks: a name, a length, and so many bytes.

/// A length that was never filled in: programs that write to a pipe leave one of these.
pub fn is_unknown(length: u64) -> bool {
    matches!(length, 0 | 0xffff_ffff | u64::MAX)
}

/// So many chunks in a row are no chance.
const IN_A_ROW: usize = 16;

/// Whether chunks follow, to the very end or many of them: their names are letters, their lengths fit.
pub fn are_chunks(mut bytes: &[u8], length_of: fn([u8; 4]) -> u32) -> bool {
    for _ in 0..IN_A_ROW {
        let Some((name, rest)) = bytes.split_first_chunk::<4>() else { return bytes.len() < 2 };
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return false };
        let length = length_of(*length) as usize;
        let letters = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-'));
        if !letters || length > rest.len() {
            return false;
        }
        bytes = rest.get(length + length % 2..).unwrap_or_default();
    }
    true
}
