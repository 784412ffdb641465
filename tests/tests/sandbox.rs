//! Decoders in processes of their own: nothing else changes by it, and none outlives its server. What they cannot do is
//! tested where a decoder can be made to try (`services/sandbox/tests/attacks.rs`).

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use onespace_bundle::Bundle;
use onespace_core::{Modality, Prepare, PrepareRequest, Prepared, Segments, TensorData, Window};
use onespace_sandbox::{Program, Sandbox};
use onespace_tests::{
    bundle,
    process::{Process, binary},
    root,
};

/// Every file below these folders, and below the one that `ONESPACE_TEST_MEDIA` names.
fn media() -> Vec<PathBuf> {
    let golden = ["image", "audio", "video"].map(|name| root().join("encoders").join(name).join("tests/golden"));
    let mut folders = Vec::from(golden);
    folders.push(root().join("samples"));
    folders.extend(std::env::var_os("ONESPACE_TEST_MEDIA").map(PathBuf::from));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    files.sort();
    files
}

/// All there is of it; floats as their bits.
fn bits(prepared: &Prepared) -> Vec<(String, Vec<u64>)> {
    let tensor_bits = |data: &TensorData| match data {
        TensorData::F32(values) => values.iter().map(|value| u64::from(value.to_bits())).collect(),
        TensorData::I64(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
    };
    let mut all = vec![(format!("{:?}", prepared.notes), Vec::new())];
    for sample in &prepared.samples {
        let what = format!("{} {} {:?} {:?}", sample.tower, sample.track, sample.span, sample.used_for);
        let tensors = sample.tensors.iter();
        all.extend(tensors.map(|tensor| (format!("{what} {:?}", tensor.shape), tensor_bits(&tensor.data))));
    }
    all
}

/// Workers of the binary.
fn sandbox(bundle: &Path, modalities: &str) -> Arc<Sandbox> {
    let bundle = bundle.display().to_string();
    let arguments = ["decode-worker", "--bundle", &bundle, "--modality", modalities];
    let arguments = arguments.map(OsString::from).to_vec();
    Sandbox::start(Program { path: binary(), arguments, environment: Vec::new() }).unwrap()
}

/// Counts the media that were prepared; those that were refused were refused alike.
fn compare(directory: &Path, modalities: &[Modality]) -> usize {
    let bundle = Bundle::open(directory).unwrap();
    let names: Vec<_> = modalities.iter().map(|modality| modality.name()).collect();
    let sandbox = sandbox(directory, &names.join(","));
    assert!(sandbox.confinement().landlock && sandbox.confinement().seccomp, "{}", sandbox.confinement());
    let milliseconds = Some(Window::of_milliseconds(700, 200).unwrap());
    let window = Segments::Window(onespace_core::SegmentWindow { milliseconds, tokens: None });
    let mut prepared = 0;
    for modality in modalities {
        let (here, there) = (bundle.preparer(*modality).unwrap(), sandbox.preparer(*modality));
        for path in media() {
            let bytes = fs::read(&path).unwrap();
            for segments in [Segments::Tower, window] {
                let request = PrepareRequest { segments, ..PrepareRequest::of(&bytes) };
                let (here, there) = (here.prepare(&request), there.prepare(&request));
                prepared += usize::from(here.is_ok());
                let same = here.as_ref().map(bits) == there.as_ref().map(bits);
                assert!(same, "{modality} of {}: {:?} and {:?}", path.display(), here.err(), there.err());
            }
        }
    }
    prepared
}

#[test]
fn a_worker_prepares_every_sample_to_the_last_bit_as_the_server_does() {
    let modalities = [Modality::Image, Modality::Audio, Modality::Video];
    let prepared = compare(&bundle(), &modalities);
    assert!(prepared > 100, "{prepared}");
    let everyday = root().join("bundles/everyday");
    let modalities = [Modality::Image, Modality::Audio];
    let prepared = compare(&everyday, &modalities);
    assert!(prepared > 100, "{prepared}");
}

/// The processes that this one has started, and those that they have, as far as they live.
fn descendants(parent: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let children = all.filter(|pid| field(*pid, "PPid:") == parent.to_string() && alive(*pid));
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

fn field(pid: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
}

fn alive(pid: u32) -> bool {
    let state = field(pid, "State:");
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

#[tokio::test]
async fn no_process_that_decodes_outlives_its_server() {
    for ending in [Process::kill as fn(&mut Process), |server| server.terminate()] {
        let folder = tempfile::tempdir().unwrap();
        let bundle = bundle().display().to_string();
        let data = folder.path().join("data").display().to_string();
        let line = ["up", "--bundle", &bundle, "--data", &data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let mut server = Process::spawn(&line.map(ToOwned::to_owned), folder.path());
        let told = server.line("decoders ").await;
        assert_eq!(told, "sandboxed: a process for each media, held by Landlock, seccomp, limits");
        server.line("ready ").await;
        let started = descendants(server.pid());
        assert!(!started.is_empty(), "{}", server.log());
        ending(&mut server);
        let begun = Instant::now();
        while started.iter().any(|pid| alive(*pid)) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{started:?} outlive their server");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_server_decodes_by_itself_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle().display().to_string();
    let line = ["encoder", "--modality", "image", "--bundle", &bundle, "--decoders", "in-process"];
    let line = [line.as_slice(), &["--listen", "127.0.0.1:0"]].concat();
    let mut server = Process::spawn(&line.iter().map(ToString::to_string).collect::<Vec<_>>(), folder.path());
    assert!(server.line("decoders ").await.starts_with("in-process"));
    server.line("ready ").await;
    assert!(descendants(server.pid()).is_empty());
    let line = ["encoder", "--modality", "text", "--bundle", &bundle, "--listen", "127.0.0.1:0"];
    let mut server = Process::spawn(&line.map(ToOwned::to_owned), folder.path());
    assert!(server.line("decoders ").await.starts_with("safe"));
    assert!(descendants(server.pid()).is_empty());
}

/// How long one media takes here and there, the best of many; the two take turns, so that whatever else this machine
/// does hits both.
fn measure(here: &dyn Prepare, there: &dyn Prepare, bytes: &[u8]) -> [Duration; 2] {
    let mut best = [Duration::MAX; 2];
    for _ in 0..40 {
        for (preparer, best) in [here, there].into_iter().zip(&mut best) {
            let begun = Instant::now();
            preparer.prepare(&PrepareRequest::of(bytes)).unwrap();
            *best = begun.elapsed().min(*best);
        }
    }
    best
}

/// `cargo test … --test sandbox -- --ignored --nocapture`, on a machine that does nothing else.
#[test]
#[ignore = "a measure of speed"]
fn a_worker_costs_an_image_two_milliseconds_and_a_video_a_twentieth_at_most() {
    let (bundle, sandbox) = (Bundle::open(&bundle()).unwrap(), sandbox(&bundle(), "image,audio,video"));
    let (mut images, mut videos) = (Vec::new(), Vec::new());
    for path in media() {
        let bytes = fs::read(&path).unwrap();
        for (modality, list) in [(Modality::Image, &mut images), (Modality::Video, &mut videos)] {
            let (here, there) = (bundle.preparer(modality).unwrap(), sandbox.preparer(modality));
            if path.starts_with(root().join("encoders")) || here.prepare(&PrepareRequest::of(&bytes)).is_err() {
                continue;
            }
            let [here, there] = measure(&*here, &*there, &bytes);
            println!("{modality} {}: {here:?} here, {there:?} there", path.display());
            list.push((here, there));
        }
    }
    let added = images.iter().map(|(here, there)| there.saturating_sub(*here)).max().unwrap();
    let [here, there] = [0, 1].map(|side| {
        let times = videos.iter().map(|(here, there)| if side == 0 { *here } else { *there });
        times.sum::<Duration>()
    });
    let share = there.as_secs_f64() / here.as_secs_f64() - 1.0;
    println!("an image takes {added:?} more at most; {} videos {here:?} here, {there:?} there", videos.len());
    assert!(added <= Duration::from_millis(2), "{added:?}");
    assert!(share <= 0.05, "{share}");
}
