use super::*;

#[test]
fn tracks_decide_whatever_the_brand_says() {
    let media = boxed(b"mdat", &[&[7; 5000]]);
    for brand in [b"isom", b"mp42", b"qt  ", b"3gp4", b"M4A ", b"M4B ", b"M4V ", b"dash", b"iso5"] {
        let head = brands(brand, &[b"mp41"]);
        let film = movie(&[sound(1), pictures(2)]);
        let recording = movie(&[sound(1), Made::of(2, b"text", b"text")]);
        assert_eq!(format(&[head.clone(), film.clone(), media.clone()].concat()), "MP4", "{brand:?}");
        assert_eq!(format(&[head.clone(), media.clone(), film].concat()), "MP4", "{brand:?}");
        assert_eq!(format(&[head.clone(), recording.clone(), media.clone()].concat()), "MP4 audio", "{brand:?}");
        assert_eq!(format(&[head.clone(), media.clone(), recording].concat()), "MP4 audio", "{brand:?}");
        let silent = [head.clone(), movie(&[pictures(1)])].concat();
        assert_eq!(format(&silent), "MP4");
        let unread = [head, media.clone()].concat();
        let by_brand = if brand.starts_with(b"M4A") || brand.starts_with(b"M4B") { "MP4 audio" } else { "MP4" };
        assert_eq!(format(&unread), by_brand, "no track can be read: {brand:?}");
    }
}

#[test]
fn long_films_have_large_tables() {
    // Twenty minutes at sixty pictures a second: 72,000 sizes and times, 1.4 MiB of tables.
    const TABLES: usize = 1_400_000;
    let before = Made { tables: (TABLES, TABLES), ..pictures(2) };
    let behind = Made { tables: (0, TABLES), ..sound(1) };
    for tracks in
        [[behind, before], [Made { tables: (0, TABLES), ..sound(1) }, Made { tables: (TABLES, 0), ..pictures(2) }]]
    {
        let film = [isom(), movie(&tracks), boxed(b"mdat", &[&vec![1; 3_000_000]])].concat();
        assert_eq!(format(&film), "MP4");
        let film = [isom(), boxed(b"mdat", &[&vec![1; 3_000_000]]), movie(&tracks)].concat();
        assert_eq!(format(&film), "MP4");
    }
}

#[test]
fn sizes_are_walked_in_all_their_forms() {
    let film = movie(&[sound(1), pictures(2)]);
    assert_eq!(format(&[isom(), boxed_wide(b"mdat", &[0; 999]), film.clone()].concat()), "MP4");
    assert_eq!(format(&[isom(), movie(&[sound(1)]), boxed_to_the_end(b"mdat", &[0; 999])].concat()), "MP4 audio");
    let movie_last = [isom(), boxed_to_the_end(b"moov", film.get(8..).unwrap())].concat();
    assert_eq!(format(&movie_last), "MP4");
    let named_in_the_media = boxed(b"mdat", &[b"....hdlr\0\0\0\0\0\0\0\0vide"]);
    assert_eq!(format(&[isom(), named_in_the_media, movie(&[sound(1)])].concat()), "MP4 audio");
}

#[test]
fn quicktime_may_begin_with_padding() {
    let film = movie(&[sound(1), pictures(2)]);
    let media = boxed(b"mdat", &[&[9; 300]]);
    for first in [b"skip", b"free", b"wide", b"pnot", b"uuid"] {
        let first = boxed(first, &[b"qt  \0\0\x02\0qt  "]);
        let file = [first.clone(), boxed(b"wide", &[]), media.clone(), film.clone()].concat();
        assert_eq!(format(&file), "MP4");
        assert_eq!(format(&[first.clone(), media.clone(), movie(&[sound(1)])].concat()), "MP4 audio");
        assert_eq!(modality(&[first.clone(), b"and then words".to_vec()].concat()), None);
        assert_ne!(format(&first), "MP4", "padding alone is no film");
    }
    assert_eq!(format(&[media.clone(), film.clone()].concat()), "MP4");
    assert_eq!(format(&film), "MP4");
    assert_eq!(format(&[&boxed(b"mdat", &[&[9; 300]])[..200]].concat()), "MP4", "cut off, and still one");
    assert_eq!(format(&[boxed(b"moof", &[&[0; 16]]), media].concat()), "MP4", "a segment without its head");
    for text in [
        "for free beer",
        "tea free of charge, and moov to go",
        "new moov",
        "all skip",
        "the mdat, the ftyp",
        "\n\n\n\nfree",
    ] {
        assert_eq!(format(text.as_bytes()), "text", "{text}");
    }
    for shifted in [b"ftyp", b"moov", b"mdat", b"skip", b"free", b"uuid"] {
        assert_eq!(format(&[b"Sie ", &shifted[..], b" - und so weiter, und so weiter"].concat()), "text");
    }
}

#[test]
fn covers_and_pictures_of_chapters_are_no_films() {
    let jpeg = |entry: Vec<u8>, samples| Made { entry, samples, ..pictures(2) };
    let plain = |name| boxed(name, &[&[0; 78]]);
    for entry in [jpeg_as_mpeg4(), plain(b"jpeg"), plain(b"png ")] {
        for samples in [(1, 1), (3, 3), (40, 3600)] {
            let file = [isom(), movie(&[sound(1), jpeg(entry.clone(), samples)])].concat();
            assert_eq!(format(&file), "MP4 audio", "{samples:?}");
        }
        let motion = [isom(), movie(&[sound(1), jpeg(entry.clone(), (75, 3))])].concat();
        assert_eq!(format(&motion), "MP4", "Motion JPEG is a film");
        let fragments = [isom(), movie(&[sound(1), jpeg(entry, (0, 0))])].concat();
        assert_eq!(format(&fragments), "MP4", "how many pictures there are is not known");
    }
    let chapters = Made { chapters: Some(2), ..sound(1) };
    let other = Made { chapters: Some(2), ..sound(1) };
    assert_eq!(format(&[isom(), movie(&[chapters, pictures(2)])].concat()), "MP4 audio");
    assert_eq!(format(&[isom(), movie(&[other, pictures(2), pictures(3)])].concat()), "MP4");
    let of_itself = Made { chapters: Some(2), ..pictures(2) };
    assert_eq!(format(&[isom(), movie(&[sound(1), of_itself])].concat()), "MP4");
}

#[test]
fn stills_are_told_by_their_brands() {
    let rest = boxed(b"meta", &[&[0; 60]]);
    let file = |major: &[u8; 4], compatible: &[&[u8; 4]]| [brands(major, compatible), rest.clone()].concat();
    for (major, compatible, name) in [
        (b"avif", &[b"mif1", b"miaf"][..], "AVIF"),
        (b"avis", &[b"msf1"], "AVIF"),
        (b"mif1", &[b"miaf", b"avif"], "AVIF"),
        (b"heic", &[b"mif1"], "HEIF"),
        (b"heix", &[], "HEIF"),
        (b"hevc", &[b"heic"], "HEIF"),
        (b"mif1", &[b"heic"], "HEIF"),
        (b"mif1", &[], "HEIF"),
        (b"msf1", &[b"hevc"], "HEIF"),
        (b"isom", &[b"avif"], "MP4"),
    ] {
        let file = file(major, compatible);
        assert_eq!(format(&file), name, "{major:?} {compatible:?}");
        assert_eq!(modality(&file) == Some(Modality::Image), name != "MP4");
    }
    // A sequence has tracks beside its stills.
    assert_eq!(format(&[brands(b"avis", &[]), movie(&[pictures(1)])].concat()), "AVIF");
    assert!(known_formats().contains("AVIF") && !known_formats().contains("glTF"), "what is refused is not offered");
}
