//! Matroska and Ogg.

use super::*;

#[test]
fn track_types_decide_whatever_titles_say() {
    let opus = element(TRACKS, &[&entry(2, b"A_OPUS")]);
    let both = element(TRACKS, &[&entry(2, b"A_OPUS"), &entry(1, b"V_VP9")]);
    let subtitled = element(TRACKS, &[&entry(0x11, b"S_TEXT/UTF8"), &entry(2, b"A_VORBIS")]);
    for title in [&b"TV_SHOW"[..], b"V_VP9 and V_AV1", b"A_OPUS", b""] {
        let file = |tracks: &[u8]| [ebml(), element(SEGMENT, &[&info(title), tracks, &cluster(99)])].concat();
        assert_eq!(format(&file(&opus)), "Matroska audio");
        assert_eq!(format(&file(&subtitled)), "Matroska audio");
        assert_eq!(format(&file(&both)), "Matroska/WebM");
        assert_eq!(format(&file(b"")), "Matroska/WebM", "no track can be read");
    }
}

#[test]
fn live_streams_do_not_say_where_they_end() {
    let blocks = [b"\xe7\x81\x00".to_vec(), element(b"\xa3", &[&[0x83; 30]])].concat();
    for (kinds, name) in [(&[2][..], "Matroska audio"), (&[2, 1], "Matroska/WebM"), (&[1], "Matroska/WebM")] {
        let entries: Vec<u8> = kinds.iter().flat_map(|kind| entry(*kind, b"V_A_")).collect();
        let endless_entries: Vec<u8> =
            kinds.iter().flat_map(|kind| endless(b"\xae", &[b"\xd7\x81\x01", &[0x83, 0x81, *kind]])).collect();
        let clusters = [endless(CLUSTER, &[&blocks]), endless(CLUSTER, &[&blocks, &blocks])].concat();
        for tracks in [element(TRACKS, &[&entries]), endless(TRACKS, &[&entries]), endless(TRACKS, &[&endless_entries])]
        {
            let live = [ebml(), endless(SEGMENT, &[&info(b""), &tracks, &clusters])].concat();
            assert_eq!(format(&live), name);
            let late = [ebml(), endless(SEGMENT, &[&info(b""), &clusters, &tracks])].concat();
            assert_eq!(format(&late), name, "behind clusters");
        }
    }
}

#[test]
fn tracks_are_found_behind_the_clusters() {
    let tracks = element(TRACKS, &[&entry(2, b"A_FLAC")]);
    let clusters: Vec<u8> = (0..300).flat_map(|_| cluster(9000)).collect();
    let walked = [ebml(), element(SEGMENT, &[&clusters, &tracks])].concat();
    assert_eq!(format(&walked), "Matroska audio");
    // More clusters than are walked: the index says where the tracks are.
    let many: Vec<u8> = (0..limits::SNIFF_ELEMENTS).flat_map(|_| element(CLUSTER, &[])).collect();
    let index = |position: usize| {
        let position = element(b"\x53\xac", &[&(position as u64).to_be_bytes()]);
        element(b"\x11\x4d\x9b\x74", &[&element(b"\x4d\xbb", &[&element(b"\x53\xab", &[TRACKS]), &position])])
    };
    let position = index(0).len() + many.len();
    let sought = [ebml(), element(SEGMENT, &[&index(position), &many, &tracks])].concat();
    assert_eq!(format(&sought), "Matroska audio");
    let nowhere = [ebml(), element(SEGMENT, &[&index(usize::MAX), &clusters, &tracks])].concat();
    assert_eq!(format(&nowhere), "Matroska audio", "an index that points nowhere is passed over");
}

#[test]
fn first_pages_tell_the_streams_of_ogg() {
    let vorbis = page(true, b"\x01vorbis....");
    let skeleton = page(true, b"fishead\0....");
    for sound in [&b"\x01vorbis"[..], b"OpusHead", b"Speex   ", b"\x7fFLAC", b"PCM     "] {
        let file = [skeleton.clone(), page(true, sound), page(false, b"\x80theora, as a word")].concat();
        assert_eq!(format(&file), "Ogg");
    }
    for video in [&b"\x80theora\x03"[..], b"BBCD\0", b"OVP80", b"\x80daala", b"\x01video\0\0\0XVID"] {
        let streams = [skeleton.clone(), vorbis.clone(), page(true, video), page(false, &[3; 700])].concat();
        assert_eq!((format(&streams), modality(&streams)), ("Ogg video", Some(Modality::Video)));
        assert_eq!(format(&[page(true, video), vorbis.clone()].concat()), "Ogg video");
    }
}
