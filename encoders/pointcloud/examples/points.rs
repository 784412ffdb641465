//! What is seen of shapes, a file a line: its format, and of points spread over its surface, or of its own, how many
//! there are, their mean, their deviation along each axis, and their mean colour. `tests/files/shapes.py` compares
//! them with what trimesh sees.

use std::{env, fs, process::ExitCode};

use onespace_core::{Prepare, PrepareRequest, TensorData, sniff::sniff};
use onespace_pointcloud::PointCloudPreparer;

/// Enough that means of two random spreads agree to a hundredth of the shape's size.
const SPEC: &str =
    "points = 32768\npresample = 32768\nnormalise = \"none\"\nsubsample = \"stride\"\nlayout = \"xyzrgb\"";

fn main() -> ExitCode {
    let spec = match toml::from_str(SPEC) {
        Ok(spec) => spec,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let preparer = PointCloudPreparer::new(&spec);
    for path in env::args().skip(1) {
        let seen = fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| statistics(&preparer, &bytes));
        println!("{path}\t{}", seen.unwrap_or_else(|error| format!("refused\t{error}")));
    }
    ExitCode::SUCCESS
}

fn statistics(preparer: &PointCloudPreparer, bytes: &[u8]) -> Result<String, String> {
    let prepared = preparer.prepare(&PrepareRequest::of(bytes)).map_err(|error| error.to_string())?;
    let tensor = prepared.samples.first().and_then(|sample| sample.tensors.first());
    let Some(TensorData::F32(values)) = tensor.map(|tensor| &tensor.data) else { return Err("no points".to_owned()) };
    let points = values.as_chunks::<6>().0;
    let count = points.len() as f64;
    let mean =
        |axis: usize| points.iter().filter_map(|point| point.get(axis)).map(|v| f64::from(*v)).sum::<f64>() / count;
    let means: Vec<f64> = (0..6).map(mean).collect();
    let deviation = |axis: usize| {
        let apart = |value: &f32| (f64::from(*value) - means.get(axis).copied().unwrap_or_default()).powi(2);
        (points.iter().filter_map(|point| point.get(axis)).map(apart).sum::<f64>() / count).sqrt()
    };
    let deviations: Vec<f64> = (0..3).map(deviation).collect();
    let numbers: Vec<String> = means.iter().chain(&deviations).map(f64::to_string).collect();
    Ok(format!("{:?}\t{}", sniff(bytes), numbers.join("\t")))
}
