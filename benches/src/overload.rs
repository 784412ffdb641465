//! What a server does that is asked for many times as much as it can do, by callers who do not wait for each other.
//!
//! For each modality: what it does for callers who wait (its capacity), then ten times as much offered for a while,
//! then half as much. What counts under overload: how much is still done, how soon whoever is refused knows, whether
//! it is told when to come again, and that it is over when the load is. The load generator takes its share of the
//! cores, so what is done is also told by second of the server's own processor time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use comfy_table::{Table, presets};
use onespace_core::Modality;
use onespace_proto::v1::{self, embed_result::Outcome, embedding_service_client::EmbeddingServiceClient};
use tokio::{task::JoinSet, time::sleep_until};
use tonic::{Code, Request, Status, transport::Channel};

use crate::{clock::millis, report::quantile, server::Server, subject::Subject};

/// Connections over which it is asked.
const CONNECTIONS: usize = 8;

/// Callers who wait for their answers, for the capacity.
const CALLERS: usize = 16;

/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many times its capacity.
const TIMES: f64 = 10.0;

/// Requests under way at most: more would measure the generator's memory.
const OPEN: usize = 6_000;

/// How much is measured before, and after.
const AROUND: Duration = Duration::from_secs(8);

/// What became of the items that were sent.
#[derive(Clone, Debug, Default)]
struct Tally {
    sent: usize,
    done: usize,
    refused: usize,
    /// Refusals that do not say when to come again.
    silent: usize,
    late: usize,
    otherwise: usize,
    done_ms: Vec<f64>,
    refused_ms: Vec<f64>,
    seconds: f64,
    server_seconds: f64,
}

impl Tally {
    fn done_a_second(&self) -> f64 {
        per(self.done, self.seconds)
    }

    fn done_by_processor(&self) -> f64 {
        per(self.done, self.server_seconds)
    }

    fn answered(&mut self, answer: Result<v1::EmbedResponse, Status>, items: usize, ms: f64) {
        match answer {
            Ok(answer) => answer.results.into_iter().for_each(|result| self.item(result, ms)),
            Err(status) if status.code() == Code::ResourceExhausted => {
                let told = status.metadata().contains_key("grpc-retry-pushback-ms");
                self.refuse(items, told, ms);
            }
            Err(status) if matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled) => self.late += items,
            Err(_) => self.otherwise += items,
        }
    }

    fn item(&mut self, result: v1::EmbedResult, ms: f64) {
        match result.outcome {
            Some(Outcome::Embeddings(_)) => {
                self.done += 1;
                self.done_ms.push(ms);
            }
            Some(Outcome::Error(error)) if error.reason == "QUEUE_FULL" => {
                self.refuse(1, error.retry_after_ms > 0, ms);
            }
            Some(Outcome::Error(error)) if error.reason == "DEADLINE_EXCEEDED" => self.late += 1,
            _ => self.otherwise += 1,
        }
    }

    fn refuse(&mut self, items: usize, told: bool, ms: f64) {
        self.refused += items;
        self.silent += if told { 0 } else { items };
        self.refused_ms.push(ms);
    }
}

/// How one modality fared.
pub struct Row {
    modality: Modality,
    list: usize,
    capacity: Tally,
    over: Tally,
    after: Tally,
    memory: [u64; 3],
}

/// Items in a list: small ones come together, so that the generator is not what is measured.
const fn list_of(modality: Modality) -> usize {
    match modality {
        Modality::Text => 32,
        Modality::Video => 1,
        Modality::Audio => 2,
        _ => 4,
    }
}

/// Measures one modality, overloaded for `time`.
pub async fn measure(server: &Server, subject: &Subject, time: Duration) -> Result<Row> {
    let load = Load::new(server, subject).await?;
    load.waiting(server, Duration::from_secs(2)).await?;
    let capacity = load.waiting(server, AROUND).await?;
    let pace = capacity.done_a_second() / per(load.list, 1.0);
    let before = server.memory()?;
    server.forget_peak()?;
    let over = load.open(server, pace * TIMES, time).await?;
    let peak = server.peak()?;
    let after = load.open(server, pace * 0.5, AROUND).await?;
    let memory = [before, peak, server.memory()?];
    Ok(Row { modality: subject.modality, list: load.list, capacity, over, after, memory })
}

struct Load {
    channels: Vec<Channel>,
    requests: Arc<[v1::EmbedRequest]>,
    list: usize,
}

impl Load {
    async fn new(server: &Server, subject: &Subject) -> Result<Self> {
        let mut channels = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            channels.push(server.connect().await?);
        }
        let list = list_of(subject.modality);
        let item = |bytes: &bytes::Bytes| v1::Media {
            content: Some(v1::media::Content::Data(bytes.clone())),
            ..Default::default()
        };
        let media = &subject.media;
        let request = |first: usize| v1::EmbedRequest {
            items: media.iter().cycle().skip(first).take(list).map(item).collect(),
            ..Default::default()
        };
        let requests = (0..media.len()).map(request).collect();
        Ok(Self { channels, requests, list })
    }

    fn call(&self, number: usize) -> (EmbeddingServiceClient<Channel>, v1::EmbedRequest) {
        let (channels, requests) = (&self.channels, &self.requests);
        #[expect(clippy::indexing_slicing, reason = "a remainder, of lists that are not empty")]
        let (channel, request) = (&channels[number % channels.len()], &requests[number % requests.len()]);
        (EmbeddingServiceClient::new(channel.clone()), request.clone())
    }

    /// Callers who wait.
    async fn waiting(&self, server: &Server, time: Duration) -> Result<Tally> {
        let (began, server_began) = (Instant::now(), server.processor_seconds()?);
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let calls: Vec<_> = (0..self.requests.len()).map(|number| self.call(caller + number)).collect();
            let (tally, list) = (tally.clone(), self.list);
            callers.spawn(async move {
                for (client, request) in calls.iter().cycle() {
                    if began.elapsed() >= time {
                        break;
                    }
                    ask(client.clone(), request.clone(), list, &tally).await;
                }
            });
        }
        callers.join_all().await;
        timed(&tally, began, server.processor_seconds()? - server_began)
    }

    /// Callers who come when they come: so many a second.
    async fn open(&self, server: &Server, a_second: f64, time: Duration) -> Result<Tally> {
        let (began, server_began) = (Instant::now(), server.processor_seconds()?);
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut callers = JoinSet::new();
        let mut number = 0;
        while began.elapsed() < time {
            sleep_until((began + Duration::from_secs_f64(per(number, a_second))).into()).await;
            if callers.len() < OPEN {
                let ((client, request), tally, list) = (self.call(number), tally.clone(), self.list);
                callers.spawn(async move { ask(client, request, list, &tally).await });
            }
            while callers.try_join_next().is_some() {}
            number += 1;
        }
        let tally_at_end = timed(&tally, began, server.processor_seconds()? - server_began)?;
        callers.join_all().await;
        let whole = tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // What is answered behind the end is no part of what was done in the time, but is answered somehow.
        Ok(Tally {
            done: tally_at_end.done,
            seconds: tally_at_end.seconds,
            server_seconds: tally_at_end.server_seconds,
            ..whole
        })
    }
}

async fn ask(
    mut client: EmbeddingServiceClient<Channel>,
    request: v1::EmbedRequest,
    items: usize,
    tally: &Mutex<Tally>,
) {
    let mut request = Request::new(request);
    request.set_timeout(PATIENCE);
    let asked = Instant::now();
    let answer = client.embed(request).await.map(tonic::Response::into_inner);
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally.sent += items;
    tally.answered(answer, items, millis(asked));
}

fn timed(tally: &Mutex<Tally>, began: Instant, server_seconds: f64) -> Result<Tally> {
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Tally { seconds: began.elapsed().as_secs_f64(), server_seconds, ..tally })
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn per(count: usize, of: f64) -> f64 {
    count as f64 / of
}

/// Prints the table.
pub fn print(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "modality",
        "list",
        "capacity/s",
        "offered/s",
        "done/s",
        "of capacity",
        "by processor second",
        "done p50 ms",
        "p99",
        "refused p50 ms",
        "p99",
        "told when",
        "late",
        "otherwise",
        "refused after",
        "MiB before, most, after",
    ]);
    for row in rows {
        let Row { modality, list, capacity, over, after, memory: [before, peak, end] } = row;
        let told = 100.0 - 100.0 * per(over.silent, per(over.refused.max(1), 1.0));
        table.add_row([
            modality.name().to_owned(),
            list.to_string(),
            format!("{:.0}", capacity.done_a_second()),
            format!("{:.0}", per(over.sent, over.seconds)),
            format!("{:.0}", over.done_a_second()),
            format!("{:.2}", over.done_a_second() / capacity.done_a_second()),
            format!("{:.2}", over.done_by_processor() / capacity.done_by_processor()),
            format!("{:.0}", quantile(&over.done_ms, 0.5)),
            format!("{:.0}", quantile(&over.done_ms, 0.99)),
            format!("{:.1}", quantile(&over.refused_ms, 0.5)),
            format!("{:.0}", quantile(&over.refused_ms, 0.99)),
            format!("{told:.0} %"),
            over.late.to_string(),
            over.otherwise.to_string(),
            format!("{} of {}", after.refused, after.sent),
            format!("{before} {peak} {end}"),
        ]);
    }
    println!("{table}");
}
