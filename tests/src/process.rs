//! One process of the binary: started, listened to, ended whatever becomes of the test.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

use tokio::{sync::mpsc, time::timeout};

use crate::{PATIENCE, root};

/// Waits for its input to end, which it does with the test process, however that ends; then ends the server and
/// removes its folder. A server that a whole test file shares is never dropped: statics are not.
const GUARDIAN: &str = r#"read -r _; kill -KILL "$1" 2>/dev/null; rm -rf "$2""#;

/// The binary that is tested: it lies beside the folder of the tests.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().unwrap().parent().unwrap().join("onespace");
    assert!(binary.exists(), "{} is not built: cargo build --release -p onespace", binary.display());
    binary
}

/// A command of the binary, run from the repository's root, with nothing of the caller's settings but the library.
#[must_use]
pub fn command() -> Command {
    command_by(&binary())
}

/// The same of a program that starts the binary in its turn.
#[must_use]
pub fn command_by(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    // What cargo sets for tests, the binary has to see to by itself.
    command.env_remove("ORT_DISABLE_TELEMETRY");
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy();
        if ours.starts_with("ONESPACE_") && ours != "ONESPACE_ONNXRUNTIME" {
            command.env_remove(&name);
        }
    }
    command
}

/// A running server process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    guardian: Child,
    lines: mpsc::UnboundedReceiver<String>,
    log: PathBuf,
}

impl Process {
    /// Starts the binary; its log goes to a file in `folder`, which goes with the process.
    #[must_use]
    pub fn spawn(arguments: &[String], folder: &Path) -> Self {
        let mut command = command();
        command.args(arguments);
        Self::spawn_as(command, folder)
    }

    /// Starts a command that becomes the binary.
    #[must_use]
    pub fn spawn_as(mut command: Command, folder: &Path) -> Self {
        let log = tempfile::Builder::new().prefix("log-").tempfile_in(folder).unwrap().keep().unwrap().1;
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian", &child.id().to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { child, guardian, lines, log }
    }

    /// The rest of the next line that begins so.
    pub async fn line(&mut self, beginning: &str) -> String {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                if let Some(rest) = line.strip_prefix(beginning) {
                    return Some(rest.to_owned());
                }
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("the server never said \"{beginning}\"; its log:\n{}", self.log()))
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote on stderr.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal by its name: STOP freezes it, CONT lets it go on.
    pub fn signal(&self, name: &str) {
        let script = "kill -\"$1\" \"$2\"";
        let kill = Command::new("sh").args(["-c", script, "kill", name, &self.pid().to_string()]).status();
        assert!(kill.unwrap().success(), "there was no process to be sent a signal");
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, which is also the end of its output.
    pub async fn exit(&mut self) -> ExitStatus {
        let ended = timeout(PATIENCE, async { while self.lines.recv().await.is_some() {} }).await;
        assert!(ended.is_ok(), "the server did not end; its log:\n{}", self.log());
        self.child.wait().unwrap()
    }

    /// Whether it runs.
    pub fn alive(&self) -> bool {
        self.status("State:").is_some_and(|state| !state.starts_with(['Z', 'X']))
    }

    /// The most memory it ever held, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let peak = self.status("VmHWM:").unwrap();
        peak.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    /// What it holds now, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let now = self.status("VmRSS:").unwrap();
        now.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    fn status(&self, field: &str) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both may have ended already. The guardian last: while it runs, the number is still the server's.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.guardian.kill();
        let _ = self.guardian.wait();
    }
}
