//! Recordings to samples: decode, resample, window, front end.
