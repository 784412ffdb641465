//! Text to samples: tokenise.
