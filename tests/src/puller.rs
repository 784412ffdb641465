//! A user who pulls bundles: a home of their own, and a hub on loopback.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;

use crate::{hub::Hub, process::command};

/// The repository on the hub.
pub const REPOSITORY: &str = "someone/tiny";
/// Its commit.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A hub, and a user with an empty home.
pub struct Puller {
    /// The hub.
    pub hub: Hub,
    folder: TempDir,
}

impl Puller {
    /// A hub with these files, and a user with this recipe.
    ///
    /// # Panics
    /// If there is no room for a home.
    pub async fn with(files: BTreeMap<String, Bytes>, recipe: &str) -> Self {
        let hub = Hub::with(REPOSITORY, COMMIT, files).await;
        let folder = tempfile::Builder::new().prefix("onespace-pull-").tempdir().unwrap();
        let puller = Self { hub, folder };
        puller.write(recipe);
        puller
    }

    /// Gives the user another recipe.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, recipe: &str) {
        fs::write(self.path("recipe.toml"), recipe).unwrap();
    }

    /// A path in the user's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `bundle pull` in the user's environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("HF_") || name.to_ascii_lowercase().ends_with("_proxy") {
                command.env_remove(&name);
            }
        }
        command.env("HF_ENDPOINT", self.hub.url()).env("HF_HOME", self.path("home")).stdin(Stdio::null());
        command.args(["bundle", "pull", "--json"]).args(arguments);
        command
    }

    /// Pulls the recipe to a folder of this name.
    #[must_use]
    pub fn pull(&self, out: &str, more: &[&str]) -> Command {
        let (recipe, out) = (self.path("recipe.toml").display().to_string(), self.path(out).display().to_string());
        let mut command = self.command(&["--recipe", &recipe, "--out", &out]);
        command.args(more);
        command
    }

    /// Pulls the repository by its name.
    #[must_use]
    pub fn derive(&self, out: &str, more: &[&str]) -> Command {
        let out = self.path(out).display().to_string();
        let mut command = self.command(&["hf:someone/tiny", "--out", &out]);
        command.args(more);
        command
    }

    /// Everything there is beside the user's own.
    ///
    /// # Panics
    /// If the folder is gone.
    #[must_use]
    pub fn bundles(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "home" && name != "recipe.toml").collect()
    }

    /// Where downloads of the repository are kept.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.path("home/hub/models--someone--tiny/blobs")
    }
}

/// What a command said, and how it ended.
pub struct Said {
    code: i32,
    /// Its JSON lines.
    pub events: Vec<Value>,
    /// All of it.
    pub text: String,
}

/// Runs a command while the hub goes on answering from this process.
///
/// # Panics
/// If the command cannot be started.
pub async fn run(mut command: Command) -> Said {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let events = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Said { code: output.status.code().unwrap_or(-1), events, text: format!("{out}{err}") }
}

impl Said {
    /// Holds it to an exit code.
    ///
    /// # Panics
    /// If it has another.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }

    /// The space of the bundle that is there now.
    ///
    /// # Panics
    /// If there is none.
    pub fn space(&self) -> String {
        let done = self.events.last().unwrap();
        assert_eq!(done["event"], "done", "{}", self.text);
        done["space"].as_str().unwrap().to_owned()
    }

    /// Holds it to words.
    ///
    /// # Panics
    /// If they are not there.
    pub fn says(&self, words: &str) {
        assert!(self.text.contains(words), "\"{words}\" is not in: {}", self.text);
    }

    /// How often an event happened.
    #[must_use]
    pub fn count(&self, event: &str) -> usize {
        self.events.iter().filter(|line| line["event"] == event).count()
    }
}
