//! Films to samples: seek, decode, resize; the sound track to the audio tower.
