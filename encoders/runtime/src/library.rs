//! The shared library of ONNX Runtime, loaded once in a process.

use std::{
    env, fmt, fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use onespace_core::{Error, Reason, Result};
use ort::{
    environment::{Environment, GlobalThreadPoolOptions},
    logging::LogLevel,
};

/// The oldest release whose interface this is built for.
const VERSION_MIN: &str = "1.31";

/// Where it is set, ONNX Runtime keeps to itself. Its own switch comes too late: when there is an environment to
/// switch it on, a device id has been written below the home folder and its makers' host has been looked up.
const SILENCE: &str = "ORT_DISABLE_TELEMETRY";

/// The process has one ONNX Runtime; whoever asks again for the same file gets the same.
static LOADED: Mutex<Option<(PathBuf, Runtime)>> = Mutex::new(None);

/// A loaded ONNX Runtime: what every session needs, cheap to clone.
///
/// All sessions of the process share one pool of threads. A pool for each session would have towers × cores
/// threads compete for the cores as soon as two modalities are busy.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) environment: Environment,
    threads: usize,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Loads the library at `library`. `threads` is how many compute one graph together, the calling one
    /// included; all cores when it is not given.
    ///
    /// # Errors
    /// `INTERNAL` where nobody forbade the library to report to its makers ([`forbid_telemetry`]).
    /// `BUNDLE_INVALID` naming the path when there is no such file, it is no ONNX Runtime, or one older than
    /// is needed; `INTERNAL` when another file was loaded before, or the library fails to start.
    pub fn init(library: &Path, threads: Option<NonZeroUsize>) -> Result<Self> {
        let path = fs::canonicalize(library).map_err(|error| unusable(library, &error.to_string()))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, runtime)) = loaded.as_ref() {
            if *before == path {
                return Ok(runtime.clone());
            }
            let message = format!("{} is loaded, a process cannot load {} as well", before.display(), path.display());
            return Err(Error::internal(message));
        }
        if env::var_os(SILENCE).is_none_or(|value| value.is_empty()) {
            let message = format!("{SILENCE} is not set: ONNX Runtime would report to its makers");
            return Err(Error::internal(message));
        }
        let threads = threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let builder = ort::init_from(&path).map_err(|error| unusable(&path, &error.to_string()))?;
        let builder = builder.with_name("onespace").with_telemetry(false).with_logger(Arc::new(log));
        let environment = pool(threads)
            .and_then(|pool| builder.with_global_thread_pool(pool).build())
            .map_err(|error| Error::internal(format!("ONNX Runtime does not start: {}", error.message())))?;
        environment.set_log_level(LogLevel::Warning);
        let runtime = Self { environment, threads };
        *loaded = Some((path, runtime.clone()));
        Ok(runtime)
    }

    /// How many threads compute one graph together.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }
}

/// Forbids ONNX Runtime to report to its makers. It reads the environment when it is loaded, so this comes first.
///
/// Call it at the start of `main`, before there is a second thread: what another thread reads of the environment
/// meanwhile could be torn. What cannot (a test, a program in another language) sets the variable from outside.
#[expect(unsafe_code, reason = "the library takes this from the process's environment alone")]
pub fn forbid_telemetry() {
    // SAFETY: the caller is the only thread yet.
    unsafe { env::set_var(SILENCE, "1") }
}

/// Threads that wait asleep: spinning ones would take the cores from decoding and from the other towers.
fn pool(threads: usize) -> ort::Result<GlobalThreadPoolOptions> {
    GlobalThreadPoolOptions::default().with_intra_threads(threads)?.with_inter_threads(1)?.with_spin_control(false)
}

/// What the library has to say goes where all logs go, one level lower: its errors come back as errors anyway.
fn log(level: LogLevel, category: &str, _id: &str, place: &str, message: &str) {
    match level {
        LogLevel::Fatal => tracing::error!(category, place, message),
        LogLevel::Error => tracing::warn!(category, place, message),
        _ => tracing::debug!(category, place, message),
    }
}

fn unusable(path: &Path, why: &str) -> Error {
    let message = format!("{}: {why} (ONNX Runtime {VERSION_MIN} or newer is needed)", path.display());
    Error::new(Reason::BundleInvalid, "onnxruntime", message)
}
