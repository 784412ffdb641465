//! Whatever bytes there are.

use std::time::{Duration, Instant};

use super::*;

fn small_files() -> Vec<Vec<u8>> {
    let chapters = Made { chapters: Some(2), ..sound(1) };
    let stills = Made { entry: jpeg_as_mpeg4(), samples: (3, 3), ..pictures(2) };
    let tracks = endless(TRACKS, &[&entry(2, b"A_OPUS"), &entry(1, b"V_VP8")]);
    vec![
        [isom(), boxed_wide(b"mdat", &[7; 40]), movie(&[chapters, stills, pictures(3)])].concat(),
        [boxed(b"skip", &[&[0; 12]]), boxed(b"mdat", &[&[0; 60]]), movie(&[sound(1)])].concat(),
        [brands(b"mif1", &[b"miaf", b"avif"]), boxed(b"meta", &[&[0; 30]])].concat(),
        [ebml(), endless(SEGMENT, &[&info(b"TV_SHOW"), &tracks, &endless(CLUSTER, &[&cluster(20)])])].concat(),
        [ebml(), element(SEGMENT, &[&cluster(20), &element(TRACKS, &[&entry(2, b"A_OPUS")])])].concat(),
        [page(true, b"\x01vorbis"), page(true, b"\x80theora"), page(false, &[1; 300])].concat(),
    ]
}

#[test]
fn no_truncation_and_no_mutation_breaks_it() {
    let mut numbers = crate::random::SplitMix64::new(7);
    let mut random = || numbers.bits() as usize;
    for file in small_files() {
        let whole = modality(&file);
        assert!(whole.is_some());
        for end in 0..file.len() {
            let _ = sniff(&file[..end]);
        }
        for _ in 0..3000 {
            let mut mutated = file.clone();
            for _ in 0..=random() % 6 {
                let at = random() % mutated.len();
                mutated[at] = [0, 1, 0x7f, 0x80, 0xff, random() as u8][random() % 6];
            }
            let _ = sniff(&mutated);
        }
    }
}

#[test]
fn what_a_file_claims_to_hold_costs_no_time() {
    let many = |unit: &[u8], bytes: usize| unit.repeat(bytes / unit.len());
    let bytes = 32 << 20;
    let hostile = [
        [isom(), many(&boxed(b"free", &[]), bytes)].concat(),
        [isom(), boxed(b"moov", &[&many(&sound(1).bytes(), bytes)])].concat(),
        [isom(), boxed(b"moov", &[&many(&Made { chapters: Some(9), ..pictures(9) }.bytes(), bytes)])].concat(),
        [isom(), boxed(b"moov", &[&many(&boxed(b"trak", &[]), bytes)])].concat(),
        [ebml(), endless(SEGMENT, &[&many(&endless(CLUSTER, &[]), bytes)])].concat(),
        [ebml(), endless(SEGMENT, &[&many(&endless(b"\x11\x4d\x9b\x74", &[]), bytes)])].concat(),
        [ebml(), endless(SEGMENT, &[&endless(TRACKS, &[&many(&endless(b"\xae", &[]), bytes)])])].concat(),
        many(&page(true, b""), bytes),
    ];
    // As many as are looked at take some milliseconds; to look at all of them as often as they are nested, minutes.
    let started = Instant::now();
    for file in &hostile {
        let _ = sniff(file);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
