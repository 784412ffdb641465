//! A space as the command line names it: a bundle, whose towers run in this process, or a server.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};
use onespace_bundle::Bundle;
use onespace_client::{Client, Config};
use onespace_core::{Deadline, EncodeRequest, Encoder, Media, Modality, limits::DEADLINE_MAX_MS};
use onespace_encoder::LocalEncoder;
use onespace_proto::convert;
use serde_json::{Value, json};

use crate::{args::RuntimeArgs, client, serve};

/// A space and what it is called.
pub struct Space {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The length of its vectors.
    pub dimension: usize,
    name: String,
    home: Home,
}

/// Where a space's towers are.
enum Home {
    /// The towers are those that were needed so far.
    Bundle(Box<Bundle>, Option<Box<LocalEncoder>>),
    Server(Client),
}

impl Space {
    /// Opens a bundle's directory, or connects to a server by its URL, as `server` says how.
    pub async fn open(named: &str, server: &Config) -> Result<Self> {
        if named.contains("://") {
            let client = client::connect(Config { endpoint: named.to_owned(), ..server.clone() }).await?;
            let answer = client.get_space().await?;
            let space = client::space_of(&answer)?;
            let (fingerprint, name) = (space.space_fingerprint.clone(), space.name.clone());
            return Ok(Self { fingerprint, dimension: space.dimension as usize, name, home: Home::Server(client) });
        }
        let bundle = serve::open(Path::new(named)).await.with_context(|| named.to_owned())?;
        let space = bundle.space();
        let (fingerprint, dimension, name) = (space.fingerprint.to_string(), space.dimension, space.name.clone());
        Ok(Self { fingerprint, dimension, name, home: Home::Bundle(Box::new(bundle), None) })
    }

    /// Loads the towers that are needed, where they are to run here.
    pub async fn ready(&mut self, runtime: &RuntimeArgs, modalities: &BTreeSet<Modality>) -> Result<()> {
        if let Home::Bundle(bundle, towers) = &mut self.home {
            let modalities: Vec<_> = modalities.iter().copied().collect();
            if towers.as_ref().is_none_or(|towers| modalities.iter().any(|modality| towers.expect(*modality).is_err()))
            {
                let loaded = serve::towers(bundle, runtime, &modalities).await.with_context(|| self.name.clone())?;
                *towers = Some(Box::new(loaded));
            }
        }
        Ok(())
    }

    /// The vector of a media as a whole; of a film, of its pictures.
    pub async fn embed(&self, media: Media) -> Result<Vec<f32>> {
        let vector = match &self.home {
            Home::Bundle(_, None) => bail!("the towers of {} are not loaded", self.name),
            Home::Bundle(_, Some(towers)) => {
                let (bytes, modality) = media.resolve()?;
                let request = EncodeRequest::new(modality, bytes);
                let deadline = Deadline::after(std::time::Duration::from_millis(DEADLINE_MAX_MS as u64));
                towers.encode(request, deadline).await?.embeddings.into_iter().next().map(|first| first.vector)
            }
            Home::Server(client) => {
                let media = convert::media_out(media.content, media.modality);
                let embeddings = client.embed(media, &client::options(false, 0)).await;
                let embeddings = embeddings.map_err(|error| anyhow::Error::msg(client::explain(&error)))?;
                embeddings.into_iter().next().map(|first| first.vector)
            }
        };
        vector.context("it came back without a vector")
    }

    /// How a record of a fit names it.
    pub fn record(&self) -> Value {
        json!({"fingerprint": self.fingerprint, "name": self.name, "dimension": self.dimension})
    }
}
