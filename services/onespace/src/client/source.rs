//! From what a user names to what is sent. Only the command line reads a user's paths.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use onespace_client::{Media, Modality, media};
use onespace_core::{Speech, limits::VIDEO_BYTES};
use onespace_proto::{convert::modality_out, options::speech_out, v1};
use onespace_tags::Folder;
use walkdir::WalkDir;

use super::choice::Choice;

/// The bytes of a file, if it is one and not larger than anything the server takes.
///
/// # Errors
/// Names the path and the cause.
pub fn read(path: &Path) -> Result<Bytes> {
    check(path)?;
    Ok(fs::read(path).with_context(|| path.display().to_string())?.into())
}

/// How large a file is, if it is one and not larger than anything the server takes.
///
/// # Errors
/// Names the path and the cause.
pub fn check(path: &Path) -> Result<usize> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    if !metadata.is_file() {
        bail!("{}: is not a regular file", path.display());
    }
    if metadata.len() > VIDEO_BYTES as u64 {
        bail!("{}: {} bytes, the largest file that is taken has {VIDEO_BYTES}", path.display(), metadata.len());
    }
    Ok(usize::try_from(metadata.len())?)
}

/// What files are, where their content does not tell.
#[derive(Clone, Debug, Default)]
pub struct FileKind {
    /// Their modality.
    pub modality: Option<Modality>,
    /// Their media type.
    pub media_type: Option<String>,
    /// Whether what is said in them counts.
    pub speech: Speech,
}

impl FileKind {
    /// How their speech is understood, as a request says it; nothing where nothing was said of it.
    #[must_use]
    pub fn speech(&self) -> Option<v1::Speech> {
        (self.speech != Speech::AUTO).then(|| speech_out(self.speech))
    }

    /// A file as media.
    ///
    /// # Errors
    /// As [`read`].
    pub fn media(&self, path: &Path) -> Result<Media> {
        Ok(self.of(read(path)?))
    }

    /// The bytes of a file as media.
    #[must_use]
    pub fn of(&self, bytes: Bytes) -> Media {
        let modality = self.modality.map_or(0, modality_out);
        let media_type = self.media_type.clone().unwrap_or_default();
        Media { modality, media_type, ..media::bytes(bytes) }
    }
}

/// What was found below the paths that a user named.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, in a stable order.
    pub files: Vec<FoundFile>,
    /// Files that were not chosen.
    pub left_out: usize,
    /// What could not be looked into.
    pub unread: Vec<Unread>,
}

/// A file, and the names in its folder.
#[derive(Clone, Debug)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// What lies beside it.
    pub folder: Arc<Folder>,
}

/// A file or folder that cannot be read, and why.
#[derive(Debug)]
pub struct Unread {
    /// Where it is.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// Every file named, and those below a named folder that are chosen. Links to files are found, links to folders not
/// gone into. What cannot be read is told beside what can: it ends nothing.
///
/// # Errors
/// Names a path that is not there.
pub fn walk(paths: &[PathBuf], choice: &Choice) -> Result<Found> {
    for root in paths {
        if fs::symlink_metadata(root).is_err_and(|error| is_absent(&error)) {
            bail!("{}: no such file or folder", root.display());
        }
    }
    let (mut found, mut folders) = (Found::default(), Folders::default());
    for root in paths {
        let within = |entry: &walkdir::DirEntry| entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
        let entered = |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || !entry.file_type().is_dir() || choice.enters(&within(entry))
        };
        for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(entered) {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => {
                    let folder = folders.of(entry.path());
                    if entry.depth() == 0 || choice.takes(&within(&entry), &folder) {
                        found.files.push(FoundFile { path: entry.into_path(), folder });
                    } else {
                        found.left_out += 1;
                    }
                }
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    found.unread.push(Unread { path, why });
                }
            }
        }
    }
    Ok(found)
}

/// The folders that were met. Files of one come one after the other, so the last one is mostly the right one.
#[derive(Default)]
struct Folders(Option<(PathBuf, Arc<Folder>)>);

impl Folders {
    fn of(&mut self, file: &Path) -> Arc<Folder> {
        let parent = file.parent().unwrap_or(Path::new(""));
        if let Some((path, folder)) = &self.0
            && path == parent
        {
            return folder.clone();
        }
        let folder = Arc::new(Folder::read(parent));
        self.0 = Some((parent.to_owned(), folder.clone()));
        folder
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{super::choice::pattern, *};

    /// A folder whose path is longer than any call takes: nobody can look into it, whoever asks.
    fn bottomless(within: &Path) -> PathBuf {
        let deep = |root: &Path| {
            let deep = (0..12).fold(root.to_owned(), |path, _| path.join("d".repeat(200)));
            fs::create_dir_all(&deep).unwrap();
            deep
        };
        let (upper, lower) = (within.join("upper"), within.join("lower"));
        let bottom = deep(&upper);
        deep(&lower);
        fs::rename(&lower, bottom.join("lower")).unwrap();
        upper
    }

    /// Removed piece by piece: as deep as it is, it cannot be removed at once either.
    fn fill_up(within: &Path, upper: &Path) {
        let bottom = (0..12).fold(upper.to_owned(), |path, _| path.join("d".repeat(200)));
        fs::rename(bottom.join("lower"), within.join("lower")).unwrap();
    }

    #[test]
    fn what_cannot_be_read_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        fs::write(here.join("a.txt"), "a").unwrap();
        fs::write(here.join("z.txt"), "z").unwrap();
        fs::write(here.join(".hidden"), "h").unwrap();
        symlink(here.join("loop"), here.join("loop")).unwrap();
        symlink(here.join("nowhere"), here.join("broken")).unwrap();
        symlink(here, here.join("up")).unwrap();
        let upper = bottomless(here);
        let found = walk(&[here.to_owned(), here.join("a.txt")], &Choice::default()).unwrap();
        fill_up(here, &upper);
        let names: Vec<_> = found.files.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.txt", "broken", "loop", "up", "z.txt", "a.txt"]);
        assert_eq!(found.unread.len(), 1, "{:?}", found.unread);
        assert!(found.unread[0].path.starts_with(&upper) && found.unread[0].why.contains("too long"));
        for (name, why) in [("broken", "No such file"), ("loop", "symbolic links"), ("up", "is not a regular file")] {
            let error = format!("{:#}", read(&here.join(name)).unwrap_err());
            assert!(error.contains(name) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn only_what_is_not_there_at_all_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (there, broken) = (folder.path().join("a.txt"), folder.path().join("broken"));
        fs::write(&there, "a").unwrap();
        symlink(folder.path().join("nowhere"), &broken).unwrap();
        for absent in [folder.path().join("absent"), there.join("below-a-file")] {
            let error = walk(&[there.clone(), absent.clone()], &Choice::default()).unwrap_err().to_string();
            assert!(error.contains(&absent.display().to_string()), "{error}");
        }
        let found = walk(&[broken, there], &Choice::default()).unwrap();
        assert_eq!(found.files.len() + found.unread.len(), 2, "{found:?}");
    }

    /// What is taken of a folder, by the paths within it.
    fn taken(include: &[&str], exclude: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "photo.JPG",
            "photo.JPG.json",
            "photo.xmp",
            "notes.json",
            "cup.obj",
            "cup.mtl",
            ".hidden",
            "Thumbs.db",
            "2023/clip.mp4",
            "2023/clip.THM",
            "2023/cache/a.jpg",
            ".git/config",
        ];
        for name in names {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), "").unwrap();
        }
        let globs = |patterns: &[&str]| patterns.iter().map(|text| pattern(text).unwrap()).collect::<Vec<_>>();
        let choice = Choice::new(&globs(include), &globs(exclude)).unwrap();
        let found = walk(&[folder.path().to_owned()], &choice).unwrap();
        let within = |file: FoundFile| file.path.strip_prefix(folder.path()).unwrap().display().to_string();
        found.files.into_iter().map(within).collect()
    }

    #[test]
    fn hidden_files_and_sidecars_are_left_out_unless_they_are_asked_for() {
        let all = ["2023/cache/a.jpg", "2023/clip.mp4", "cup.obj", "notes.json", "photo.JPG"];
        assert_eq!(taken(&[], &[]), all);
        assert_eq!(taken(&[], &["cache", "*.obj"]), ["2023/clip.mp4", "notes.json", "photo.JPG"]);
        assert_eq!(taken(&[], &["2023/"]), ["cup.obj", "notes.json", "photo.JPG"]);
        assert_eq!(taken(&["*.jpg"], &[]), ["2023/cache/a.jpg", "photo.JPG"]);
        assert_eq!(taken(&["2023/*"], &["*.thm"]), ["2023/clip.mp4"]);
        assert_eq!(taken(&["./2023/**"], &["2023/cache"]), ["2023/clip.THM", "2023/clip.mp4"]);
        assert_eq!(taken(&["*.xmp", ".hidden"], &[]), [".hidden", "photo.xmp"]);
        assert_eq!(taken(&["*.{mp4,obj}"], &[]), ["2023/clip.mp4", "cup.obj"]);
        assert!(pattern("a[").is_err());
    }
}
