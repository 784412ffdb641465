//! The target that ONESPACE_FUZZ names; its seeds are laid into ONESPACE_FUZZ_CORPUS first.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use onespace_fuzz::{Target, target};

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("ONESPACE_FUZZ").expect("ONESPACE_FUZZ names a target");
    target(&name).unwrap_or_else(|| panic!("{name} is no target: see onespace_fuzz::TARGETS"))
});

fn lay_seeds() {
    let Some(corpus) = std::env::var_os("ONESPACE_FUZZ_CORPUS").map(PathBuf::from) else { return };
    for (path, bytes) in CHOSEN.seeds().into_iter().chain(CHOSEN.corpus()) {
        let name = path.file_name().expect("a file has a name");
        fs::write(corpus.join(name), bytes).expect("the corpus can be written");
    }
}

libfuzzer_sys::fuzz_target!(init: lay_seeds(), |bytes: &[u8]| (CHOSEN.read)(bytes));
