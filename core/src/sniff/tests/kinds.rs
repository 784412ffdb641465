//! Formats that were taken for others, or for nothing: each of a few bytes.

use super::*;
use crate::{error::Reason, media::Media};

/// A file of chunks of the other byte orders, its lengths whatever they are.
fn riff(maker: &[u8; 4], kind: &[u8; 4]) -> Vec<u8> {
    [&maker[..], b"\x10\0\0\0", kind, b"data"].concat()
}

#[test]
fn what_is_decoded_is_told() {
    let ac3 = [&b"\x0b\x77\0\0\x1c\x40"[..], &[0; 762]].concat();
    let adts = [&b"\xff\xf1\x50\x80\x01\x1f\xfc"[..], &[0; 1]].concat();
    let asf = |streams: &[&[u8]]| {
        let object = |guid: &[u8], body: &[u8]| [guid, &(body.len() as u64 + 24).to_le_bytes(), body].concat();
        let streams = streams.iter().map(|kind| {
            let stream = b"\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65";
            object(stream, &[kind, &[0; 40][..]].concat())
        });
        let header = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
        object(header, &[vec![0; 6], streams.collect::<Vec<_>>().concat()].concat())
    };
    let sound = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    let pictures = b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    let binary_stl = [vec![b's'; 80], 2_u32.to_le_bytes().to_vec(), vec![0; 100]].concat();
    let id3 = b"ID3\x04\0\0\0\0\0\x05junk.";
    for (bytes, name) in [
        (b"P3\n# a comment\n2 2\n255\n".to_vec(), "portable pixmap"),
        (riff(b"RIFX", b"WAVE"), "WAV"),
        ([WAVE64, &[0; 24]].concat(), "Wave64"),
        (b".snd\0\0\0\x20\xff\xff\xff\xff\0\0\0\x03\0\0\xbb\x80".to_vec(), "AU"),
        ([&id3[..], b"fLaC\0\0\0\x22"].concat(), "FLAC"),
        ([id3.to_vec(), adts.repeat(2)].concat(), "AAC (ADTS)"),
        (ac3.repeat(2), "AC-3"),
        (b"\x7f\xfe\x80\x01\xfc\x3c".to_vec(), "DTS"),
        (b"#!AMR\n\x3c".to_vec(), "AMR"),
        (b"#!AMR-WB\n\x04".to_vec(), "AMR"),
        (b"wvpk\x10\0\0\0".to_vec(), "WavPack"),
        ([&id3[..], b"MAC \x96\x0f"].concat(), "Monkey's Audio"),
        (b"TTA1\x01\0".to_vec(), "True Audio"),
        (b"MPCKSH".to_vec(), "Musepack"),
        (b"MP+\x07".to_vec(), "Musepack"),
        (b"DSD \x1c\0\0\0\0\0\0\0".to_vec(), "DSD"),
        (b"FRM8\0\0\0\0\0\0\0\x10DSD ".to_vec(), "DSD"),
        (asf(&[sound]), "WMA"),
        (asf(&[sound, pictures]), "ASF"),
        ([riff(b"RIFF", b"AVI "), vec![0; 8]].concat(), "AVI"),
        (b"\0\0\x01\xba\x44".to_vec(), "MPEG-PS"),
        ([&b"\x47"[..], &[7; 187]].concat().repeat(6), "MPEG-TS"),
        ([&b"\0\0\0\0\x47"[..], &[7; 187]].concat().repeat(6), "MPEG-TS"),
        (b"FLV\x01\x05".to_vec(), "FLV"),
        (b"II+\0\x08\0\0\0".to_vec(), "TIFF"),
        (b"MM\0+\0\x08\0\0".to_vec(), "TIFF"),
        (b"VERSION 0.7\nFIELDS x y z\n".to_vec(), "PCD"),
        (b"# .PCD v0.7\n".to_vec(), "PCD"),
        (binary_stl, "STL"),
        (b"solid cube\n facet normal 0 0 1\n".to_vec(), "STL"),
        (b"OFF\n8 6 0\n0 0 0\n".to_vec(), "OFF"),
        (b"OFF # a cube\n# by hand\n8 6 12 # counts\n0 0 0\n".to_vec(), "OFF"),
        (b"OFF8 6 12#counts\n0 0 0\n".to_vec(), "OFF"),
        (b"COFF BINARY\n\0\0\0\x08\0\0\0\x06".to_vec(), "OFF"),
        (b"\n\t   OFF8 6 12 # or nah\n".to_vec(), "OFF"),
        (b"# made by hand\n\nOFF\n8 6 12\n".to_vec(), "OFF"),
        (b"\r\n  SOLID cube\n FACET NORMAL 0 0 1\n".to_vec(), "STL"),
        (b"LASF\0\0".to_vec(), "LAS/LAZ"),
        (b"ASTM-E57\x01".to_vec(), "E57"),
        (b"glTF\x02\0\0\0".to_vec(), "glTF"),
        (b"{\"asset\": {\"version\": \"2.0\"}, \"scenes\": [], \"nodes\": []}".to_vec(), "glTF"),
        (gltf_whose_asset_comes_last(), "glTF"),
        (b"<!DOCTYPE html>\n<p>".to_vec(), "HTML"),
        (b"# made by hand\nmtllib x.mtl\no cube\nv 1 2 3\nv 0 0 1\nf 1 2 1\n".to_vec(), "OBJ"),
    ] {
        assert_eq!(format(&bytes), name);
    }
}

/// A scene in JSON that says what it is behind a buffer of some kilobytes.
fn gltf_whose_asset_comes_last() -> Vec<u8> {
    let buffer = "A".repeat(20_000);
    let asset = "\"asset\": {\"generator\": \"x\", \"version\": \"2.0\"}";
    let buffers = format!("\"buffers\": [{{\"uri\": \"data:;base64,{buffer}\"}}]");
    format!("\n{{{buffers}, \"meshes\": [], {asset}}}").into_bytes()
}

/// Layer III at 64 kilobits and 44,100 hertz: 208 bytes a frame.
fn frames(count: usize) -> Vec<u8> {
    [&b"\xff\xfb\x50\xc0"[..], &[0; 204]].concat().repeat(count)
}

#[test]
fn mpeg_audio_may_lie_behind_a_tag_or_rubbish() {
    let tag = [&b"APETAGEX\xd0\x07\0\0"[..], &7_u32.to_le_bytes(), &[0; 16], b"any tag"].concat();
    assert_eq!(format(&[tag, frames(3)].concat()), "MP3");
    let rubbish: Vec<u8> = (0..3000_u32).map(|k| (k * 7 % 251) as u8).collect();
    assert_eq!(format(&[rubbish.clone(), frames(5)].concat()), "MP3");
    assert_eq!(modality(&[rubbish, frames(2)].concat()), None, "two frames may be chance");
}

/// Truevision's head: kind, length of a palette, pixels across, bits of each.
fn targa(kind: u8, palette: u8, width: u8, bits: u8, pixels: usize) -> Vec<u8> {
    let colours = if palette == 0 { 0 } else { 24 };
    let head = [0, u8::from(palette > 0), kind, 0, 0, palette, 0, colours, 0, 0, 0, 0, width, 0, 2, 0, bits, 0x20];
    [&head[..], &vec![7; usize::from(palette) * 3 + pixels]].concat()
}

#[test]
fn pictures_are_told_whose_first_bytes_alone_do_not() {
    let negative = [&b"II*\0\x08\0\0\0\x01\0\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0"[..], &[0; 8]].concat();
    for (bytes, name) in [
        (b"<?xml version='1.0'?>\n<!-- a <b> -->\n<svg xmlns='x'/>".to_vec(), "SVG"),
        (b"<!DOCTYPE svg PUBLIC \"a\" \"b\">\n<svg>".to_vec(), "SVG"),
        (b"DDS \x7c\0\0\0".to_vec(), "DDS"),
        (b"\xff\x0a\xfa\x7f".to_vec(), "JPEG XL"),
        (negative, "camera raw"),
        (brands(b"crx ", &[b"isom"]), "camera raw (CR3)"),
        (b"qoif\0\0\0\x01\0\0\0\x01\x03\0".to_vec(), "QOI"),
        (targa(2, 0, 5, 24, 30), "TGA"),
        (targa(10, 0, 200, 32, 20), "TGA"),
        (targa(1, 4, 5, 8, 10), "TGA"),
    ] {
        assert_eq!(format(&bytes), name);
    }
    for not in
        [targa(2, 0, 5, 24, 29), targa(2, 3, 5, 24, 90), targa(1, 0, 5, 8, 90), targa(3, 0, 0, 8, 9), vec![0; 99]]
    {
        assert_ne!(sniff(&not), Sniffed::Known { modality: Modality::Image, format: "TGA" });
    }
}

#[test]
fn what_is_not_decoded_is_refused_by_its_name() {
    for (bytes, name) in [
        (b"%PDF-1.7\n".to_vec(), "PDF"),
        (b"icns\0\0\x01\0".to_vec(), "ICNS"),
        (b"gimp xcf v011\0".to_vec(), "XCF"),
        (b"<?xml version=\"1.0\"?>\n<COLLADA xmlns=\"x\">".to_vec(), "COLLADA"),
        (b"<?xml version=\"1.0\"?>\n<amf unit=\"inch\">".to_vec(), "AMF"),
        (b"{\\rtf1\\ansi hello}".to_vec(), "RTF"),
        ([OLE, &[0; 504]].concat(), "Office before 2007"),
        ([MXF, &[0; 9]].concat(), "MXF"),
    ] {
        assert_eq!(format(&bytes), name);
        let error = Media::bytes(bytes).resolve().unwrap_err();
        assert_eq!(error.reason, Reason::MediaUnsupported, "{name}");
        assert!(error.message.starts_with(name) && error.message.contains("send"), "{error}");
    }
}

#[test]
fn what_is_written_in_letters_may_be_meant_as_text() {
    let drawing = Media { modality: Some(Modality::Text), ..Media::bytes("<svg width='1'/>") };
    assert_eq!(drawing.resolve().unwrap().1, Modality::Text);
    let measured = Media { modality: Some(Modality::Imu), ..Media::bytes("0.1 2 3 4 5 6\n".repeat(9)) };
    assert_eq!(measured.resolve().unwrap().1, Modality::Imu);
    for prose in [
        "solid advice\nis rare",
        "OFF we go\nto the sea",
        "v for victory\nf for failure",
        "3 5\n4 2\n",
        "{\"asset\": 1}",
        "{\"asset\": {\"version\": \"2.0\"}}",
        "{\"asset\": {\"version\": \"two\"}, \"nodes\": []}",
        "{\"asset\": {\"name\": \"a house\"}, \"scenes\": [1], \"nodes\": [2]}",
        "{\"nodes\": [{\"asset\": {\"version\": \"2.0\"}}], \"meshes\": 2}",
        "<html> is a tag\n",
        "<amphora> is a word",
        "<p>an <svg> in prose",
        "P1 is a driver\n",
        "PFennige\n",
    ] {
        assert_eq!(format(prose.as_bytes()), "text", "{prose}");
    }
}

#[test]
fn text_is_text_in_whatever_encoding() {
    let said = "Ein grünes Auto — 绿色的车,\u{b}\r\nзелёная машина 🚗\n";
    let utf16 = |order: fn(u16) -> [u8; 2]| said.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let utf32 = |order: fn(u32) -> [u8; 4]| said.chars().flat_map(|c| order(c.into())).collect::<Vec<u8>>();
    let latin: Vec<u8> = "Ein grünes Auto für dich".chars().map(|c| c as u8).collect();
    let cyrillic = b"\xc7\xe5\xeb\xb8\xed\xe0\xff \xec\xe0\xf8\xe8\xed\xe0 \xed\xe0 \xe1\xe5\xeb\xee\xec ".repeat(4);
    for bytes in [
        said.as_bytes().to_vec(),
        [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
        [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(),
        [b"\xff\xfe\0\0".to_vec(), utf32(u32::to_le_bytes)].concat(),
        [b"\0\0\xfe\xff".to_vec(), utf32(u32::to_be_bytes)].concat(),
        "no mark".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "no mark".encode_utf16().flat_map(u16::to_be_bytes).collect(),
        latin,
        cyrillic,
    ] {
        assert_eq!(format(&bytes), "text");
        let long = [bytes.get(..4).unwrap(), &bytes.repeat(400)].concat();
        let _ = sniff(&long);
    }
    let long: Vec<u8> = "\u{feff}🚗".repeat(5000).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(format(&long), "text", "cut through a pair of halves");
    for no_text in [&b"\xff\xfea"[..], b"\xff\xfe\0\xd8", b"\x80\x81\xff", b"abc\0def", b"\0\0\xfe\xff\0\x11\0\0"] {
        assert_eq!(modality(no_text), None, "{no_text:?}");
    }
}
