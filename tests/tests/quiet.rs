//! What a server does with the machine it runs on: it opens the sockets that it was told to open, writes where it was
//! told to write, and says nothing to anybody who did not ask. Seen from the kernel's side, by strace.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use onespace_tests::{
    Client, Sample, bundle,
    client::{part, question, text},
    process::{Process, binary, command_by},
    samples,
};
use tempfile::TempDir;

/// Long enough for a library that reports every few seconds to do it; this is no measure of speed.
const IDLE: Duration = Duration::from_secs(12);

/// The calls that open files to write, change names or make connections.
const CALLS: &str = "trace=socket,connect,sendto,sendmsg,sendmmsg,open,openat,creat,mkdir,mkdirat,\
    rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat";

/// A server under strace, in a folder of its own with an empty home.
struct Watched {
    process: Process,
    grpc: String,
    trace: PathBuf,
    folder: TempDir,
}

impl Watched {
    /// Starts the binary with these arguments and `--listen`; the words `DATA` become its data folder.
    async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("onespace-quiet-").tempdir().unwrap();
        let (trace, home) = (folder.path().join("trace"), folder.path().join("home"));
        fs::create_dir(&home).unwrap();
        let mut command = command_by(Path::new("strace"));
        // As a grandchild of the test (-D), so that the process that is started becomes the server; with the paths of
        // directories that names are relative to (-y).
        command.args(["-D", "-f", "-q", "-y", "-s", "256", "-e", CALLS, "-o"]).arg(&trace).arg(binary());
        let data = folder.path().join("data").display().to_string();
        command.args(arguments.iter().map(|word| if *word == "DATA" { data.as_str() } else { word }));
        command.args(["--listen", "127.0.0.1:0"]);
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"] {
            command.env(variable, &home);
        }
        let mut process = Process::spawn_as(command, folder.path());
        let line = process.line("listening ").await;
        let grpc = line.split(' ').find_map(|word| word.strip_prefix("grpc=")).unwrap().to_owned();
        process.line("ready ").await;
        Self { process, grpc, trace, folder }
    }

    /// Ends it and gives what it did.
    async fn calls(mut self) -> Calls {
        self.process.terminate();
        assert!(self.process.exit().await.success(), "{}", self.process.log());
        let home: Vec<_> = fs::read_dir(self.folder.path().join("home")).unwrap().map(|entry| entry.unwrap()).collect();
        assert!(home.is_empty(), "it wrote below its home: {home:?}");
        let lines = fs::read_to_string(&self.trace).unwrap();
        assert!(lines.contains("openat("), "strace saw nothing");
        Calls { lines, data: self.folder.path().join("data") }
    }
}

struct Calls {
    lines: String,
    data: PathBuf,
}

impl Calls {
    /// Lines of a call, those that did not succeed too: a look-up that fails was tried.
    fn of<'a>(&'a self, call: &'a str) -> impl Iterator<Item = &'a str> {
        let begins =
            move |line: &&str| line.split_once(' ').is_some_and(|(_, rest)| rest.trim_start().starts_with(call));
        self.lines.lines().filter(begins)
    }

    /// Everybody it spoke to; `known` are those it was told to speak to.
    fn assert_speaks_to_nobody_but(&self, known: &[&str]) {
        let strangers: Vec<_> =
            self.of("connect(").filter(|line| !known.iter().any(|port| line.contains(port))).collect();
        assert!(strangers.is_empty(), "it spoke to {strangers:#?}");
        let packets = self.of("socket(").filter(|line| !line.contains("SOCK_STREAM")).collect::<Vec<_>>();
        assert!(packets.is_empty(), "it opened sockets for other things than listening and calling: {packets:#?}");
        // To say something without a connection takes an address.
        let addressed = ["sendto(", "sendmsg(", "sendmmsg("].into_iter().flat_map(|call| self.of(call));
        let addressed: Vec<_> = addressed.filter(|line| line.contains("sa_family")).collect();
        assert!(addressed.is_empty(), "it sent {addressed:#?}");
    }

    /// It wrote nowhere but in its data folder.
    fn assert_writes_where_it_was_told(&self) {
        let writing = |line: &&str| ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
        let opened = ["open(", "openat("].into_iter().flat_map(|call| self.of(call)).filter(writing);
        let made = ["creat(", "mkdir", "rename", "link", "symlink", "mknod"].into_iter().flat_map(|call| self.of(call));
        let paths: BTreeSet<_> = opened.chain(made).filter_map(written).collect();
        // The last is how a process says that it goes first when memory runs out.
        let known = ["/dev/null", "/proc/self/oom_score_adj"].map(Path::new);
        let told = |path: &&PathBuf| path.starts_with(&self.data) || known.contains(&path.as_path());
        let elsewhere: Vec<_> = paths.iter().filter(|path| !told(path)).collect();
        assert!(elsewhere.is_empty(), "it wrote to {elsewhere:?}");
    }
}

/// The path that a line of strace names, below the directory it is relative to: `openat(13</data/wal>, "new", …`.
fn written(line: &str) -> Option<PathBuf> {
    let (before, rest) = line.split_once('"')?;
    let (name, _) = rest.split_once('"')?;
    let directory = before.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path);
    Some(Path::new(directory).join(name))
}

/// One of each modality.
fn one_of_each() -> Vec<&'static Sample> {
    let mut seen = BTreeSet::new();
    samples::all().iter().filter(|sample| seen.insert(sample.modality)).collect()
}

#[tokio::test]
async fn a_server_speaks_to_nobody_and_writes_where_it_was_told() {
    let server =
        Watched::start(&["up", "--bundle", &bundle().display().to_string(), "--data", "DATA", "--http", "127.0.0.1:0"])
            .await;
    tokio::time::sleep(IDLE).await;
    let client = Client::connect(&format!("http://{}", server.grpc)).await;
    client.store("quiet", one_of_each()).await;
    assert!(!client.search(question("quiet", vec![part(text("a red mug"))])).await.is_empty());
    drop(client);
    let calls = server.calls().await;
    calls.assert_speaks_to_nobody_but(&[]);
    calls.assert_writes_where_it_was_told();
}

#[tokio::test]
async fn a_gateway_and_its_encoder_speak_to_each_other_alone() {
    let bundle = bundle().display().to_string();
    let encoder = Watched::start(&["encoder", "--modality", "text", "--bundle", &bundle]).await;
    let (address, port) =
        (format!("text=http://{}", encoder.grpc), encoder.grpc.rsplit(':').next().unwrap().to_owned());
    let gateway = Watched::start(&["gateway", "--encoder", &address, "--data", "DATA", "--http", "127.0.0.1:0"]).await;
    tokio::time::sleep(IDLE).await;
    let client = Client::connect(&format!("http://{}", gateway.grpc)).await;
    client.vector(text("a red mug")).await;
    drop(client);
    let gateway = gateway.calls().await;
    gateway.assert_speaks_to_nobody_but(&[&format!("htons({port})")]);
    gateway.assert_writes_where_it_was_told();
    let encoder = encoder.calls().await;
    encoder.assert_speaks_to_nobody_but(&[]);
    encoder.assert_writes_where_it_was_told();
}
