//! Point clouds to samples: read PLY, normalise, sample, group.
