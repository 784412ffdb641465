//! Images to samples: decode, orient, resize, normalise.
