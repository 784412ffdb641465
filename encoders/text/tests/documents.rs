//! Documents are the text that people read in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write},
    path::Path,
};

use onespace_core::{
    Media, Modality, Prepare, PrepareRequest, Reason, Result, Sample, limits,
    sniff::{Sniffed, sniff},
};
use onespace_text::{TextPreparer, table::Text};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// The tokens of bytes, so that white space counts.
fn prepare(bytes: &[u8]) -> Result<Vec<Sample>> {
    let spec = serde_json::json!({ "tokenizer": "t.json", "context": 64, "overflow": "windows" });
    let spec: Text = serde_json::from_value(spec).unwrap();
    let preparer = TextPreparer::new(&spec, &golden("byte_bpe.json"), 2).unwrap();
    preparer.prepare(&PrepareRequest::of(bytes)).map(|prepared| prepared.samples)
}

fn reason(bytes: &[u8]) -> Reason {
    prepare(bytes).unwrap_err().reason
}

fn told(bytes: &[u8]) -> &'static str {
    match sniff(bytes) {
        Sniffed::Known { modality: Modality::Text, format } => format,
        _ => "no text",
    }
}

/// An archive of files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// `golden/documents/make.py`: by the libraries that people write such files with.
#[test]
fn documents_are_the_text_that_was_put_in() {
    let expected: BTreeMap<String, String> = serde_json::from_slice(&golden("documents/expected.json")).unwrap();
    let formats = [("book.epub", "EPUB"), ("open.odt", "OpenDocument"), ("slides.pptx", "PPTX"), ("word.docx", "DOCX")];
    for (name, format) in formats {
        let bytes = golden(&format!("documents/{name}"));
        assert_eq!(told(&bytes), format);
        assert!(
            prepare(&bytes).unwrap() == prepare(expected[name].as_bytes()).unwrap(),
            "{name} is not {}",
            expected[name]
        );
    }
}

#[test]
fn pages_of_the_web_are_what_is_read_on_them() {
    for page in [
        "<!doctype HTML><title>Cars</title><script>no()</script><p>A gr&uuml;n <b>car</b>",
        "\u{feff}\n<!-- made --><html lang=de><head><title>Cars</title></head><body>A gr&#252;n <i>car</i></body>",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"x\" \"y\"><html><head><title>Cars</title></head>\
         <body><p>A grün car</p></body></html>",
    ] {
        assert_eq!(told(page.as_bytes()), "HTML", "{page}");
        assert!(prepare(page.as_bytes()).unwrap() == prepare("Cars\nA grün car".as_bytes()).unwrap(), "{page}");
    }
    let latin = b"<html><head><meta charset=iso-8859-1><title>Cars</title></head><body>A gr\xfcn car";
    assert!(prepare(latin).unwrap() == prepare("Cars\nA grün car".as_bytes()).unwrap());
    // What speaks of markup, or has some, is a text as it stands.
    for text in
        ["<html> is a tag", "a < b", "# A title\n\n* one\n* <b>two</b>", "{\"html\": \"<p>\"}", "<note>hello</note>"]
    {
        assert_eq!(told(text.as_bytes()), "text", "{text}");
    }
    assert_eq!(reason(b"<!doctype html><script>only()</script>"), Reason::MediaEmpty);
}

#[test]
fn documents_that_are_not_read_are_refused_by_name() {
    let sheets = archive(&[("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")]);
    let old = [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 504]].concat();
    for (bytes, name) in [
        (sheets, "XLSX"),
        (b"{\\rtf1 hello}".to_vec(), "RTF"),
        (old, "Office before 2007"),
        (b"%PDF-1.7\n".to_vec(), "PDF"),
    ] {
        assert_eq!(told(&bytes), name);
        let error = Media::bytes(bytes).resolve().unwrap_err();
        assert!(error.reason == Reason::MediaUnsupported && error.message.contains(name), "{error}");
    }
    assert_eq!(sniff(&archive(&[("a.txt", b"hello")])), Sniffed::Unknown);
}

const BODY: &str = "<w:document xmlns:w='x'><w:body><w:p><w:r><w:t>hello</w:t></w:r></w:p></w:body></w:document>";

#[test]
fn what_documents_claim_costs_nothing() {
    let word = |xml: &[u8]| archive(&[("[Content_Types].xml", b"<a/>"), ("word/document.xml", xml)]);
    assert!(prepare(&word(BODY.as_bytes())).unwrap() == prepare(b"hello").unwrap());
    // More than may be unpacked, more files than may be, more text than one media may have.
    let bomb = word(&vec![b' '; limits::ARCHIVE_UNPACKED_BYTES + 1]);
    assert!(bomb.len() < 100_000);
    assert_eq!(reason(&bomb), Reason::MediaTooLarge);
    let long = BODY.replace("hello", &"hello ".repeat(limits::TEXT_BYTES / 6 + 1));
    assert_eq!(reason(&word(long.as_bytes())), Reason::MediaTooLarge);
    let names: Vec<String> = (0..=limits::ARCHIVE_FILES).map(|number| number.to_string()).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("word/document.xml", BODY.as_bytes())];
    files.extend(names.iter().map(|name| (name.as_str(), &[][..])));
    assert_eq!(reason(&archive(&files)), Reason::MediaTooLarge);
    // Entities are not expanded, however they are made.
    let lots =
        format!("<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>{}", BODY.replace("hello", "hello&b;&b;"));
    assert!(prepare(&word(lots.as_bytes())).unwrap() == prepare(b"hello").unwrap());
    let known = BODY.replace("hello", "a &lt; b &amp;&#x20;c&#xfffffff;");
    assert!(prepare(&word(known.as_bytes())).unwrap() == prepare(b"a < b & c").unwrap());
    // Elements within elements, and such as are not closed.
    let deep = format!("<w:t>hello{}", "<a>".repeat(200_000));
    assert!(prepare(&word(deep.as_bytes())).unwrap() == prepare(b"hello").unwrap());
    let (whole, cut) = (golden("documents/word.docx"), golden("documents/book.epub"));
    for bytes in [&whole, &cut] {
        for length in (40..bytes.len() - 1).step_by(97) {
            let error = prepare(&bytes[..length]).unwrap_err();
            assert!(matches!(error.reason, Reason::MediaMalformed | Reason::MediaEmpty), "{length}: {error}");
        }
    }
    for place in (0..whole.len()).step_by(11) {
        let mut broken = whole.clone();
        broken[place] ^= 0x55;
        let _ = prepare(&broken);
    }
}

#[test]
fn a_book_names_its_parts_and_nothing_else() {
    let container =
        |place: &str| format!("<container><rootfiles><rootfile full-path='{place}'/></rootfiles></container>");
    let package = "<package><metadata><dc:title xmlns:dc='x'>Cars</dc:title></metadata><manifest>\
        <item id='b' href='b.xhtml'/><item id='a' href='../a%20b.xhtml#x'/></manifest>\
        <spine><itemref idref='b'/><itemref idref='a'/><itemref idref='b'/><itemref idref='gone'/></spine></package>";
    let book = |container: &str, b: &str| {
        archive(&[
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", container.as_bytes()),
            ("in/package.opf", package.as_bytes()),
            ("in/b.xhtml", b.as_bytes()),
            ("a b.xhtml", b"<html><body>two</body></html>"),
        ])
    };
    let whole = book(&container("in/package.opf"), "<html><body>one</body></html>");
    assert_eq!(told(&whole), "EPUB");
    assert!(prepare(&whole).unwrap() == prepare(b"Cars\none\ntwo").unwrap());
    assert_eq!(reason(&book("<container/>", "one")), Reason::MediaMalformed);
    assert_eq!(reason(&book(&container("elsewhere.opf"), "one")), Reason::MediaMalformed);
    let long = "one ".repeat(limits::TEXT_BYTES / 4 + 1);
    assert_eq!(reason(&book(&container("in/package.opf"), &long)), Reason::MediaTooLarge);
}
