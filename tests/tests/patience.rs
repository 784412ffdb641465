//! The command line and a busy server: it waits as it is told, tries again what may pass, and loses nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use onespace_core::{Error, Reason};
use onespace_tests::{
    Server, photo,
    process::command,
    scripted::{Script, Scripted, full},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// The pause that scripted servers ask for.
const PAUSE: Duration = Duration::from_millis(120);

/// No item is turned away.
const NONE: (&str, usize) = ("", 0);

/// What a command said, and how it ended.
struct Said {
    code: i32,
    lines: Vec<Value>,
    out: String,
    err: String,
}

async fn run(endpoint: &str, arguments: &[&str], files: &[PathBuf]) -> Said {
    let mut command = command();
    command.args(arguments).args(files).args(["--endpoint", endpoint]).stdin(Stdio::null());
    let Output { status, stdout, stderr } = spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    let lines = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Said { code: status.code().unwrap(), lines, out, err }
}

impl Said {
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// The file names of the answers.
    fn sources(&self) -> Vec<&str> {
        self.lines.iter().map(|line| line["source"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
    }
}

/// Texts in files of these names; a name that begins with `m` marks its text.
fn files(names: &[&str]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(at, name): (usize, &&str)| {
        let path = folder.path().join(name);
        let mark = if name.starts_with('m') { " marked" } else { "" };
        fs::write(&path, format!("{name}{mark}{}", ".".repeat(100 * at))).unwrap();
        path
    };
    let paths = names.iter().enumerate().map(write).collect();
    (folder, paths)
}

const UNARY: &[(&str, &[&str])] = &[
    ("get_space", &["space"]),
    ("search", &["search", "-c", "x", "--text", "a mug"]),
    ("classify", &["classify", "--text", "a mug", "--label", "a", "--label", "b"]),
    ("list_collections", &["collection", "list"]),
    ("create_collection", &["collection", "create", "x"]),
    ("delete_collection", &["collection", "delete", "x"]),
    ("list_items", &["item", "list", "-c", "x"]),
    ("delete_items", &["item", "delete", "-c", "x", "y"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_call_waits_as_it_is_told() {
    let loading = Error::new(Reason::NotReady, "", "the server is still loading its models");
    for (refusal, pause) in [(full(PAUSE), PAUSE), (loading, Duration::from_millis(1))] {
        let server = Scripted::start(Script { refusal, calls: 2, items: NONE }).await;
        for (method, arguments) in UNARY {
            let said = run(&server.endpoint, arguments, &[]).await.expect(0);
            assert_eq!(server.calls(method), 3, "{method}");
            assert!(server.shortest_pause(method) >= pause, "{method}");
            assert!(said.err.contains("busy") && said.err.contains("patience left"), "{method}: {}", said.err);
            assert!(said.err.lines().count() == 1, "one line, not one a try: {}", said.err);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_pass_is_not_tried_again() {
    let never = Error::new(Reason::FieldInvalid, "limit", "is never right").retry_after(PAUSE);
    let server = Scripted::start(Script { refusal: never, calls: 1, items: ("", 1) }).await;
    for (method, arguments) in UNARY {
        let said = run(&server.endpoint, arguments, &[]).await.expect(1);
        assert!(said.err.contains("limit: is never right"), "{}", said.err);
        assert_eq!(server.calls(method), 1, "{method}");
    }
    let (_folder, files) = files(&["a", "b"]);
    let _ = run(&server.endpoint, &["embed"], &files[..1]).await.expect(1);
    let said = run(&server.endpoint, &["embed"], &files).await.expect(1);
    assert!(said.err.contains("FIELD_INVALID: is never right"), "{}", said.err);
    assert_eq!(server.calls("embed"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_with_what_the_server_said() {
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: usize::MAX, items: NONE }).await;
    let (_folder, files) = files(&["a", "b"]);
    let cases: [(&[&str], &[PathBuf]); 4] =
        [(&["space"], &[]), (&["embed"], &files), (&["rank", "--text", "x"], &files), (&["ingest", "-c", "x"], &files)];
    for (arguments, files) in cases {
        for (patience, tries) in [("0", 1..2), ("1", 2..100)] {
            let before: usize = ["get_space", "embed", "rank", "ingest"].iter().map(|call| server.calls(call)).sum();
            let said = run(&server.endpoint, &[arguments, &["--patience", patience]].concat(), files).await.expect(1);
            assert!(said.err.contains("every seat is taken"), "{}", said.err);
            let after: usize = ["get_space", "embed", "rank", "ingest"].iter().map(|call| server.calls(call)).sum();
            let each = if arguments[0] == "embed" { files.len() } else { 1 };
            assert!(tries.contains(&((after - before) / each)), "{arguments:?}: {}", after - before);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_were_turned_away_are_embedded_later() {
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 0, items: ("marked", 3) }).await;
    let names = ["a", "m1", "b", "m2", "c", "m3", "d", "m4"];
    let (folder, mut paths) = files(&names);
    let said = run(&server.endpoint, &["embed", "--json"], &paths).await.expect(0);
    assert_eq!(said.sources(), names, "all of them, in the order in which they were named");
    assert_eq!(server.calls("embed"), 8 + 4 * 3);

    // A large one travels in chunks.
    let large = folder.path().join("large");
    fs::write(&large, vec![b'x'; 5 << 20]).unwrap();
    paths.push(large);
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 2, items: NONE }).await;
    let said = run(&server.endpoint, &["embed", "--json"], &paths[7..]).await.expect(0);
    assert_eq!((said.sources(), server.calls("embed_file")), (vec!["m4", "large"], 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_candidates_that_were_turned_away_are_sent_again() {
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 1, items: ("marked", 2) }).await;
    let (folder, mut paths) = files(&["a", "m1", "b", "m2", "c"]);
    paths.push(folder.path().join("absent"));
    let said = run(&server.endpoint, &["rank", "--json", "--text", "x"], &paths).await.expect(1);
    assert_eq!(said.sources(), ["c", "m2", "b", "m1", "a"], "in one order, longest first");
    assert_eq!(said.lines[4]["rank"], 5);
    assert_eq!(server.brought(), [5, 2, 2]);
    assert!(said.err.contains("absent") && said.err.contains("5 of 6 wait"), "{}", said.err);

    // More than a message holds goes in several.
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 0, items: NONE }).await;
    for path in &paths[..5] {
        fs::write(path, vec![b'x'; 9 << 20]).unwrap();
    }
    let said = run(&server.endpoint, &["rank", "--json", "--text", "x"], &paths[..5]).await.expect(0);
    assert_eq!((said.lines.len(), server.brought()), (5, vec![2, 2, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_sends_again_and_tallies_once() {
    let (folder, _) = files(&["a", "m1", "b", "m2"]);
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 1, items: ("marked", 2) }).await;
    let said = run(&server.endpoint, &["ingest", "-c", "x", "--json"], &[folder.path().to_owned()]).await.expect(0);
    let mut sources = said.sources();
    sources.sort_unstable();
    assert_eq!(sources, ["a", "b", "m1", "m2"]);
    assert!(said.lines.iter().all(|line| line["status"] == "stored"), "{}", said.out);
    assert_eq!(server.calls("ingest"), 4);

    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 0, items: ("marked", usize::MAX) }).await;
    let arguments = ["ingest", "-c", "x", "--patience", "1"];
    let said = run(&server.endpoint, &arguments, &[folder.path().to_owned()]).await.expect(1);
    assert!(said.out.contains("2 unknown") && said.out.contains("failed: 2"), "{}", said.out);
    assert_eq!(said.err.matches("QUEUE_FULL: every seat is taken").count(), 2, "{}", said.err);
}

/// A folder whose path is longer than any call takes: nobody can look into it, whoever asks.
fn bottomless(within: &Path) -> (PathBuf, PathBuf) {
    let below = |root: PathBuf| (0..12).fold(root, |path, _| path.join("d".repeat(200)));
    let (upper, lower) = (below(within.join("upper")), within.join("lower"));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(below(lower.clone())).unwrap();
    fs::rename(&lower, upper.join("lower")).unwrap();
    (upper.join("lower"), lower)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_does_not_end_an_ingest() {
    let server = Scripted::start(Script { refusal: full(PAUSE), calls: 0, items: NONE }).await;
    let (folder, _) = files(&["a", "z"]);
    std::os::unix::fs::symlink(folder.path().join("loop"), folder.path().join("loop")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("nowhere"), folder.path().join("broken")).unwrap();
    let (deep, back) = bottomless(folder.path());
    let said = run(&server.endpoint, &["ingest", "-c", "x", "--json"], &[folder.path().to_owned()]).await;
    // As deep as it is it could not be removed with its folder.
    fs::rename(deep, back).unwrap();
    let said = said.expect(1);
    let of = |status: &str| said.lines.iter().filter(|line| line["status"] == status).count();
    assert_eq!((of("stored"), of("failed")), (2, 3), "{}", said.out);
    for named in ["/loop", "/broken", "/upper/ddd"] {
        let line = said.err.lines().find(|line| line.contains(named));
        assert!(line.is_some_and(|line| line.contains("UNREADABLE")), "{named}: {}", said.err);
    }
    let absent = folder.path().join("absent");
    let said = run(&server.endpoint, &["ingest", "-c", "x"], &[folder.path().to_owned(), absent]).await.expect(1);
    assert!(said.out.is_empty() && said.err.contains("absent"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_photographs_are_not_too_many() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let photographs: Vec<PathBuf> = (0..8)
        .map(|index| {
            let path = folder.path().join(format!("photo-{index}.jpg"));
            fs::write(&path, photo::jpeg(index)).unwrap();
            path
        })
        .collect();
    let names: Vec<String> = (0..8).map(|index| format!("photo-{index}.jpg")).collect();
    let said = run(&server.endpoint(), &["embed", "--json"], &photographs).await.expect(0);
    assert_eq!(said.sources(), names);
    let said = run(&server.endpoint(), &["rank", "--json", "--text", "a red mug"], &photographs).await.expect(0);
    let mut ranked = said.sources();
    ranked.sort_unstable();
    assert_eq!(ranked, names);
}
