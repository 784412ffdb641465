//! The public door of `up` and `gateway`: both ports, and who is let in.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use onespace_access::access::Access;
use onespace_gateway::{
    Gateway,
    services::{NAMES, Services},
};
use onespace_http::{Http, Settings};
use onespace_kit::{
    admission::Admission,
    ready::Ready,
    serve::{Health, Server},
    tls::Protocol,
};
use tokio_util::sync::CancellationToken;

use super::{finish, guard};
use crate::{args::DoorArgs, output::print_line};

/// Both ports, bound and not serving yet.
pub struct Door {
    server: Server,
    http: Http,
    access: Arc<Access>,
    arrival: Admission,
    ready: Ready<Gateway>,
}

impl Door {
    /// Binds both ports, reads keys and certificates, and says where it listens.
    ///
    /// # Errors
    /// A port that is taken, a file that cannot be read, an address that is open to everybody unsaid.
    pub async fn open(args: DoorArgs, ready: &Ready<Gateway>) -> Result<Self> {
        let DoorArgs { listen, tls, access } = args;
        let access = guard::access(access)?;
        let knows = access.asks() || tls.tls_client_ca.is_some();
        guard::check(listen.listen, &tls, knows).context("--listen")?;
        // The HTTP port asks for keys alone.
        guard::check(listen.http, &tls, access.asks()).context("--http")?;
        let arrival = Services::arrival();
        let server = Server::bind(listen.listen, NAMES, Services::new(ready.clone()).routes())
            .await
            .with_context(|| format!("--listen {}", listen.listen))?
            .with_arrival(arrival.clone())
            .with_access(access.clone())
            .with_tls(guard::tls(&tls, Protocol::Http2)?);
        let settings = Settings {
            strict_model: listen.strict_model,
            origins: listen.http_origin,
            pages_only: tls.tls_client_ca.is_some() && !access.asks(),
        };
        let http = Http::bind(listen.http, settings).await.with_context(|| format!("--http {}", listen.http))?;
        let http = http.with_tls(guard::tls(&tls, Protocol::Http1)?);
        print_line(&format!("listening grpc={} http={}", server.address(), http.address()));
        Ok(Self { server, http, access, arrival, ready: ready.clone() })
    }

    /// Where gRPC is spoken, and where HTTP.
    pub const fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.server.address(), self.http.address())
    }

    /// Its health, to be turned to SERVING when loading is done.
    pub fn health(&self) -> Health {
        self.server.health()
    }

    /// Serves until `shutdown`, then finishes what is in hand.
    ///
    /// # Errors
    /// When a transport fails.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<()> {
        let Self { server, http, access, arrival, ready } = self;
        let grpc = async { Ok(server.run(shutdown.clone(), finish(&ready)).await?) };
        let web = async { Ok(http.run(ready.clone(), (access.clone(), arrival), shutdown.clone()).await?) };
        let serving = async { tokio::try_join!(grpc, web) as Result<((), ())> };
        tokio::select! {
            result = serving => result.map(drop),
            () = access.keep_current() => Ok(()),
        }
    }
}
