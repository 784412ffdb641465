//! Processes, seen from outside.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Those that a process has started and that are not gone.
pub fn children(parent: i32) -> Vec<i32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(|pid| !gone(*pid) && status(*pid, "PPid:") == parent.to_string()).collect()
}

/// A line of what the kernel says of a process; empty where there is none.
pub fn status(pid: i32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().trim().to_owned()
}

/// Whether a process is there no more, but for its status.
pub fn gone(pid: i32) -> bool {
    let state = status(pid, "State:");
    state.is_empty() || state.starts_with(['Z', 'X'])
}

/// SIGKILL.
pub fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Waits until something is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
