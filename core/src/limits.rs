//! Every bound of the system, in one place. `GetSpace` and the documentation print this table.

use crate::error::{Error, Reason, Result};

/// One named bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name, as errors and documents call it.
    pub name: &'static str,
    /// The bound, inclusive.
    pub value: u64,
    /// What the value counts.
    pub unit: &'static str,
    /// What it bounds, and why it is what it is.
    pub about: &'static str,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $value:expr, $unit:literal;)+) => {
        $($(#[doc = $doc])+ pub const $name: $type = $value;)+

        /// Every bound, in the order of this file.
        pub const ALL: &[Limit] = &[$(Limit {
            name: stringify!($name),
            value: $name as u64,
            unit: $unit,
            about: concat!($($doc,)+).trim_ascii(),
        },)+];
    };
}

const MIB: usize = 1024 * 1024;

limits! {
    /// One text, and what is read of one document.
    TEXT_BYTES: usize = MIB, "bytes";
    /// One file of a document, pictures in it included.
    DOCUMENT_BYTES: usize = 20 * MIB, "bytes";
    /// Files in one document's archive: a book of many pictures has some thousands.
    ARCHIVE_FILES: usize = 10_000, "files";
    /// What may be unpacked of one document: its markup is some ten times as long as its text.
    ARCHIVE_UNPACKED_BYTES: usize = 32 * MIB, "bytes";
    /// One encoded image, depth map or thermal image.
    IMAGE_BYTES: usize = 20 * MIB, "bytes";
    /// One encoded audio file.
    AUDIO_BYTES: usize = 50 * MIB, "bytes";
    /// One encoded video.
    VIDEO_BYTES: usize = 200 * MIB, "bytes";
    /// One point-cloud file.
    POINT_CLOUD_BYTES: usize = 100 * MIB, "bytes";
    /// One file of inertial measurements.
    IMU_BYTES: usize = 20 * MIB, "bytes";
    /// One message in. Holds the largest image; anything larger comes in chunks.
    MESSAGE_BYTES: usize = 24 * MIB, "bytes";
    /// The body of one request over HTTP: a message whose bytes are in base64.
    HTTP_BODY_BYTES: usize = MESSAGE_BYTES / 3 * 4, "bytes";
    /// Inputs of one request to embed over HTTP: what OpenAI takes. They are embedded in lists of ITEMS_PER_REQUEST.
    HTTP_INPUTS: usize = 2048, "inputs";
    /// How deep lists and objects of a JSON body may lie in each other.
    JSON_DEPTH: usize = 32, "levels";
    /// Fields, list entries and numbers in one message in. Two bytes on the wire can be a hundred in memory.
    MESSAGE_ELEMENTS: usize = 128 * 1024, "elements";
    /// One chunk of a streamed upload.
    CHUNK_BYTES: usize = 2 * MIB, "bytes";
    /// A chunk that is smaller, and not the last, is tiny: it costs more than it carries.
    CHUNK_TINY_BYTES: usize = 256, "bytes";
    /// Tiny chunks of one file.
    CHUNKS_TINY: usize = 1024, "chunks";
    /// Items of one `Embed`, labels of one `Classify`, candidates of one `Rank`.
    ITEMS_PER_REQUEST: usize = 64, "items";
    /// Weighted parts of one query, or of one item.
    QUERY_PARTS: usize = 16, "parts";
    /// The shortest segment of a caller's choice.
    SEGMENT_MS_MIN: usize = 100, "milliseconds";
    /// One answer, unless the caller takes more: what every gRPC client takes by default.
    ANSWER_BYTES: usize = 4 * MIB, "bytes";
    /// One answer to a caller that takes more.
    ANSWER_BYTES_MAX: usize = 64 * MIB, "bytes";
    /// Results of one search, items of one page.
    RESULTS: usize = 1000, "items";
    /// Points the store is asked for at most while segments are grouped into items.
    SEARCH_POINTS: usize = 10_000, "points";
    /// Conditions of one filter, nested ones included.
    FILTER_CONDITIONS: usize = 64, "conditions";
    /// Values that all conditions of one filter compare with.
    FILTER_VALUES: usize = 4096, "values";
    /// One text that a filter compares with: as long as the longest URI.
    FILTER_TEXT_BYTES: usize = 4096, "bytes";
    /// Different values of one field that are told apart while items are counted by them.
    FACET_VALUES: usize = 100_000, "values";
    /// Other names of one collection.
    ALIASES: usize = 64, "names";
    /// Metadata fields of one item.
    METADATA_FIELDS: usize = 64, "fields";
    /// One item's metadata as JSON.
    METADATA_BYTES: usize = 16 * 1024, "bytes";
    /// Length of a collection name, an item id, a tenant, a page mark.
    NAME_BYTES: usize = 128, "bytes";
    /// Length of the id that a caller gives to a request or an item of a stream, handed back with the answer.
    CALLER_ID_BYTES: usize = 1024, "bytes";
    /// Length of the name of a metadata field.
    FIELD_NAME_BYTES: usize = 256, "bytes";
    /// An item's URI. It is kept with each of its vectors.
    URI_BYTES: usize = 4096, "bytes";
    /// An item's title. It is kept with each of its vectors.
    TITLE_BYTES: usize = 1024, "bytes";
    /// A media type: two names of 127 bytes and a slash (RFC 6838).
    MEDIA_TYPE_BYTES: usize = 255, "bytes";
    /// What a classification calls a label.
    LABEL_BYTES: usize = 4096, "bytes";
    /// Prompt templates of one classification.
    TEMPLATES: usize = 16, "templates";
    /// One prompt template. A prompt, the label in its places, is a text like any other (TEXT_BYTES).
    TEMPLATE_BYTES: usize = 1024, "bytes";
    /// Boxes, elements or pages of a container that are looked at to tell what it holds.
    SNIFF_ELEMENTS: usize = 65_536, "elements";

    /// One side of an image.
    IMAGE_SIDE: usize = 16_384, "pixels";
    /// The area of an image.
    IMAGE_PIXELS: usize = 50_000_000, "pixels";
    /// What one decoded image may take.
    IMAGE_DECODED_BYTES: usize = 256 * MIB, "bytes";
    /// How often a progressive JPEG goes over its pixels; cameras and libraries write ten scans.
    IMAGE_SCANS: usize = 100, "scans";
    /// A drawing in SVG: beside its paths a drawing is small, and each path takes time.
    SVG_BYTES: usize = 4 * MIB, "bytes";
    /// What is drawn of such a drawing, used parts as often as they are used; filters count as a thousand.
    SVG_ELEMENTS: usize = 200_000, "elements";
    /// How deep elements of such a drawing lie in each other.
    SVG_DEPTH: usize = 200, "elements";
    /// Directories of a camera raw file that are looked at for previews.
    RAW_DIRECTORIES: usize = 64, "directories";
    /// Previews of a camera raw file that are looked at.
    RAW_PREVIEWS: usize = 16, "previews";
    /// The duration of an audio file.
    AUDIO_SECONDS: usize = 30 * 60, "seconds";
    /// Channels of an audio file.
    AUDIO_CHANNELS: usize = 8, "channels";
    /// The lowest sample rate.
    AUDIO_RATE_MIN: usize = 4_000, "hertz";
    /// The highest sample rate.
    AUDIO_RATE_MAX: usize = 192_000, "hertz";
    /// What one decoded audio file may take, counted while decoding: silence compresses two thousand to one.
    AUDIO_DECODED_BYTES: usize = 512 * MIB, "bytes";
    /// Recordings that one audio file is joined of, and how often its sample rate changes: an album has some dozens, a
    /// day of a radio's songs some hundreds.
    AUDIO_PARTS: usize = 1_000, "parts";
    /// The duration of a recording that is turned into text: as long as any audio.
    SPEECH_SECONDS: usize = AUDIO_SECONDS, "seconds";
    /// Tokens of text and times that 30 s of a recording turn into: half of what a Whisper model can see. People say
    /// fewer than 10 a second.
    SPEECH_TOKENS: usize = 224, "tokens";
    /// Recordings waiting for, or in, one transcriber.
    SPEECH_QUEUE: usize = 64, "recordings";
    /// Recordings that take turns at one transcriber, window by window: a short one does not wait for the end of a long
    /// one.
    SPEECH_AT_ONCE: usize = 8, "recordings";
    /// Recordings that are being stored and take those turns at the same time: the rest are for whoever asks.
    SPEECH_BULK: usize = 2, "recordings";
    /// What recordings hold that are being stored, while they wait to be listened to or are: half of
    /// MEDIA_IN_FLIGHT_BYTES, so that everybody else goes on.
    SPEECH_BULK_BYTES: usize = 256 * MIB, "bytes";
    /// How much of a spoken question is listened to.
    QUESTION_MS: usize = 60_000, "milliseconds";
    /// Longest wait for a transcriber's turn before a recording is turned away: a few minutes of speech are listened to
    /// in that time.
    SPEECH_WAIT_MS: usize = 60_000, "milliseconds";
    /// Passages of one recording's transcript that have vectors of their own.
    SPEECH_PASSAGES: usize = 64, "passages";
    /// How long a recording that is being stored may be listened to: half an hour of speech takes some four minutes on
    /// two cores.
    SPEECH_DEADLINE_MS: usize = 15 * 60 * 1000, "milliseconds";
    /// The duration of inertial measurements.
    IMU_SECONDS: usize = 60 * 60, "seconds";
    /// The highest rate of inertial measurements.
    IMU_RATE_MAX: usize = 10_000, "hertz";
    /// The duration of a video: sampling seeks, so length alone costs little.
    VIDEO_SECONDS: usize = 3 * 60 * 60, "seconds";
    /// One side of a video.
    VIDEO_SIDE: usize = 4_096, "pixels";
    /// Pixels of the frames decoded for one video, those thrown away between a key frame and the wanted one included:
    /// no more than the fastest codec gives in VIDEO_DECODE_SECONDS, so that a video that could never be finished is
    /// ended by what it is and not by the machine that it meets. Twelve minutes at 640 × 360, 60 a second, behind one
    /// key frame have 10 thousand million, half a minute at 3840 × 2160, 60 a second, has 15.
    VIDEO_PIXELS_DECODED: usize = 48_000_000_000, "pixels";
    /// Frames of one video: three hours at 120 a second. When each is shown is listed before any is decoded.
    VIDEO_FRAMES_LISTED: usize = 3 * 60 * 60 * 120, "frames";
    /// Streams in one container: videos in many languages have dozens, attacks have thousands.
    VIDEO_STREAMS: usize = 64, "streams";
    /// One allocation of FFmpeg's, so that the claimed length of a table cannot exhaust the memory.
    VIDEO_ALLOCATION_BYTES: usize = 256 * MIB, "bytes";
    /// Processor time one video's decoding may take, however busy the machine is: as much as the longest deadline
    /// (DEADLINE_MAX_MS) leaves one thread. Twelve minutes of H.264 at 640 × 360, 60 a second, behind one key frame
    /// take 5 of them, half a minute of HEVC at 3840 × 2160, 30 a second, takes 15 at 30 Mbit a second.
    VIDEO_DECODE_SECONDS: usize = 120, "seconds";
    /// What FFmpeg may read to find out what a file is.
    VIDEO_PROBE_BYTES: usize = 5 * MIB, "bytes";
    /// The header of a PLY file.
    PLY_HEADER_BYTES: usize = 64 * 1024, "bytes";
    /// Elements declared by a PLY file.
    PLY_ELEMENTS: usize = 16, "elements";
    /// Properties of one PLY element.
    PLY_PROPERTIES: usize = 64, "properties";
    /// Points, or vertices, of one cloud.
    POINTS: usize = 10_000_000, "points";
    /// Of a cloud's points, how many must be at a finite place: depth cameras write NaN where they saw nothing, of a
    /// thing cut out of its background for all but a few in a hundred.
    POINTS_SOMEWHERE_PERCENT: usize = 1, "percent";
    /// Vertices, and triangles, of a shape in a format other than PLY: they are kept while it is looked at.
    SHAPE_ENTRIES: usize = 4_000_000, "entries";
    /// The XML of an E57 file, which lists its scans and images, some kilobytes each.
    E57_XML_BYTES: usize = 4 * MIB, "bytes";
    /// Objects in the JSON of a glTF, 200 bytes each at most: a model of 20,000 parts has some 200,000.
    GLTF_OBJECTS: usize = 262_144, "objects";
    /// Pictures on one shape.
    TEXTURES: usize = 64, "images";
    /// Vertices of one PLY face: modelling programs write the end of a cylinder as one face.
    PLY_LIST: usize = 65_536, "entries";
    /// One line of an ASCII PLY file. Holds a face of PLY_LIST vertices.
    PLY_LINE_BYTES: usize = MIB, "bytes";
    /// What a process that decodes one media may map beside its program. What the limits above let one hold is less:
    /// a video of VIDEO_BYTES, its audio track of AUDIO_DECODED_BYTES, their samples, and what FFmpeg takes.
    DECODER_BYTES: usize = 1536 * MIB, "bytes";
    /// Processor time that such a process may take: more than VIDEO_DECODE_SECONDS, which it holds by itself unless it
    /// has lost its way.
    DECODER_CPU_SECONDS: usize = VIDEO_DECODE_SECONDS + 5, "seconds";
    /// What such a process may write down: no media whose samples are more finds room in an encoder.
    DECODER_ANSWER_BYTES: usize = MEDIA_IN_FLIGHT_BYTES, "bytes";
    /// What such a process may say about its samples.
    DECODER_ANSWER_HEAD_BYTES: usize = MIB, "bytes";
    /// Decoders that may break before the program they are copies of is started anew: each copy has its addresses, and
    /// whoever attacks must not learn them by trying.
    DECODER_FAULTS: usize = 256, "faults";
    /// How long that program may take to start.
    DECODER_START_MS: usize = 30_000, "milliseconds";
    /// Samples one media may turn into.
    SAMPLES_PER_MEDIA: usize = 64, "samples";

    /// Requests a gateway works on at once.
    GATEWAY_IN_FLIGHT: usize = 512, "requests";
    /// Decoded and undecoded media a process holds at once.
    MEDIA_IN_FLIGHT_BYTES: usize = 512 * MIB, "bytes";
    /// What images may take together while they are decoded, as their heads say; one that takes more goes alone.
    DECODING_BYTES: usize = 384 * MIB, "bytes";
    /// Texts no longer than this are tokenised where they arrive: that takes some ten microseconds, and handing them to
    /// another thread takes as long.
    TEXT_LIGHT_BYTES: usize = 1024, "bytes";
    /// Media of one modality waiting for, or in, preparation in one encoder, when another comes.
    PREPARE_QUEUE: usize = 256, "media";
    /// Resampling filters kept for the next audio of the same rate: a table costs milliseconds to compute.
    RESAMPLERS_KEPT: usize = 16, "filters";
    /// Prompts of one classification: labels times examples times templates.
    CLASSIFY_PROMPTS: usize = 8_192, "prompts";
    /// Prompts of one classification that are embedded at once.
    PROMPTS_IN_FLIGHT: usize = 32, "prompts";
    /// Samples waiting for one tower's graph, or on their way there, when another request comes.
    BATCH_QUEUE: usize = 256, "samples";
    /// Input values waiting for one tower's graph, unless one request alone has more: a video in patches has 31
    /// million.
    BATCH_QUEUE_VALUES: usize = 64 * 1024 * 1024, "values";
    /// Samples in one run of a graph.
    BATCH_SAMPLES: usize = 32, "samples";
    /// Input values in one run of a graph, unless one sample alone has more: batches of large inputs leave the caches.
    BATCH_VALUES: usize = 256 * 1024, "values";
    /// How long a batch may wait for company when its tower is busy.
    BATCH_WAIT_MS: usize = 3, "milliseconds";
    /// A run of a graph that takes longer, and many times as long as usual, is stuck: the server no longer lives.
    STUCK_MS: usize = 20_000, "milliseconds";
    /// A request that would wait longer for its turn is turned away when it arrives.
    QUEUE_WAIT_MS: usize = 1_000, "milliseconds";
    /// Items of one ingest stream that are worked on at once.
    INGEST_IN_FLIGHT: usize = 16, "items";
    /// Requests of one embed stream that are worked on at once.
    STREAM_IN_FLIGHT: usize = 16, "requests";
    /// Collections of the embedded store, of all tenants: each has a thread, two files open and 27 MiB of disk, and
    /// takes 60 ms and more when the server starts.
    COLLECTIONS: usize = 128, "collections";
    /// Points in one write to the store.
    UPSERT_POINTS: usize = 256, "points";
    /// Writes waiting for one collection of the embedded store.
    STORE_QUEUE: usize = 64, "writes";
    /// Reads of the embedded store that run at once.
    STORE_READS: usize = 16, "reads";
    /// The part of the store's disk that writes leave free, so that whatever else lives there goes on too.
    STORE_RESERVE_PERCENT: usize = 5, "percent";
    /// What writes leave free on the smallest disk: a new file of vectors or of payloads has 32 MiB, and a group of
    /// writes, in the journal, the engine's own log and its files, with the flush that follows, mostly takes less.
    STORE_RESERVE_MIN: usize = 64 * MIB, "bytes";
    /// What writes leave free on the largest disk: more would refuse them where there is room for hundreds of thousands
    /// of vectors.
    STORE_RESERVE_MAX: usize = 512 * MIB, "bytes";
    /// A file that the store holds and gives up on a full disk, to be opened and closed there, to apply a journal and
    /// to forget a collection: twice a journal that is about to be cut.
    STORE_SPARE_BYTES: usize = 32 * MIB, "bytes";
    /// How long a collection that could not be opened is left alone before it is tried again.
    STORE_REOPEN_MS: usize = 5_000, "milliseconds";
    /// How long an item of an ingest waits for a store that is away: a server that is moved to another machine is back
    /// in a minute. It waits with what it was embedded to, so nothing is embedded twice.
    STORE_PATIENCE_MS: usize = 120_000, "milliseconds";
    /// How long every other call waits for a store that has just gone away: most absences are a restart or another
    /// leader. After that, calls are refused at once until it answers again.
    STORE_GRACE_MS: usize = 2_000, "milliseconds";
    /// Media of items that wait for a store that is away and are not embedded yet: half of MEDIA_IN_FLIGHT_BYTES, so
    /// that embedding goes on.
    STORE_WAIT_BYTES: usize = 256 * MIB, "bytes";
    /// Second attempts at requests to encoders, of all requests: more would be an overload of its own.
    RETRY_PERCENT: usize = 10, "percent";
    /// Second attempts to one encoder's replicas beside RETRY_PERCENT, so that where little is asked it is asked again.
    RETRY_EXTRA: usize = 3, "attempts a second";
    /// Concurrent streams of one connection.
    CONNECTION_STREAMS: usize = 256, "streams";
    /// What one HTTP/2 stream may send that nobody has read yet: with a round trip of 10 ms, 25 MB a second.
    STREAM_WINDOW_BYTES: usize = 256 * 1024, "bytes";
    /// What all streams of one connection may send that nobody has read yet. The HTTP/2 library (h2) counts 256 bytes
    /// less the length for each unread DATA frame that is shorter, and ends the connection when that comes to half of
    /// this window. A stream that stalls, full of frames of 25 bytes, counts 231 / 25 times its window, 2.3 MiB:
    /// thirteen of them fit.
    CONNECTION_WINDOW_BYTES: usize = 64 * MIB, "bytes";
    /// Deadline of a request that names none.
    DEADLINE_DEFAULT_MS: usize = 30_000, "milliseconds";
    /// The latest deadline a request may ask for.
    DEADLINE_MAX_MS: usize = 120_000, "milliseconds";
    /// Streaming calls that a gateway works on at once.
    GATEWAY_STREAMS: usize = 256, "streams";
    /// Connections that a server keeps open at once.
    CONNECTIONS: usize = 1_024, "connections";
    /// Connections of one address, or of one network of IPv6 (/64): half of all, because behind a proxy everybody has
    /// its address.
    CONNECTIONS_PER_ADDRESS: usize = 512, "connections";
    /// How long a new connection may take to begin to speak HTTP, and the head of a request on the HTTP port to come.
    CONNECTION_OPENING_MS: usize = 10_000, "milliseconds";
    /// How old a connection of gRPC gets, give or take a tenth, before its client is asked to open another; calls on it
    /// are finished. Connections that nobody uses end so, and those to a new replica begin.
    CONNECTION_AGE_MS: usize = 300_000, "milliseconds";
    /// How often the other end of a connection is asked whether it is still there.
    CONNECTION_PING_MS: usize = 10_000, "milliseconds";
    /// How long it has to answer that.
    CONNECTION_PONG_MS: usize = 20_000, "milliseconds";
    /// What answers hold from before they are made until they are read: sixteen of the largest that every client takes.
    ANSWERS_BYTES: usize = 64 * MIB, "bytes";
    /// How long an answer, or a stream of them, waits for its reader to take more of it. Then it is given up.
    UNREAD_MS: usize = 60_000, "milliseconds";
    /// Answers of one connection that are given up before the connection is.
    UNREAD_ANSWERS: usize = 8, "answers";
    /// What files that are still being sent may hold of MEDIA_IN_FLIGHT_BYTES, so that however many of them are left
    /// unfinished, the rest is there for what has arrived whole.
    UPLOADS_BYTES: usize = 384 * MIB, "bytes";
    /// How long bytes on a connection wait for room before their call is refused. Calls that hold room end sooner.
    ARRIVAL_WAIT_MS: usize = 5_000, "milliseconds";
    /// The slowest that a file in chunks may come, over any UPLOAD_FLOOR_MS: half of what a bad mobile connection does.
    UPLOAD_FLOOR: usize = 16 * 1024, "bytes a second";
    /// Over how long the speed of a file in chunks is looked at.
    UPLOAD_FLOOR_MS: usize = 10_000, "milliseconds";
    /// Events of one ingest stream that its client has not read yet; then no further item of it is read.
    INGEST_EVENTS: usize = 4_096, "events";
    /// Silence after which a client stream is ended.
    STREAM_IDLE_MS: usize = 30_000, "milliseconds";
    /// Keys in one file.
    KEYS: usize = 10_000, "keys";
    /// A file of keys, of certificates or of a secret.
    CREDENTIALS_BYTES: usize = 16 * 1024 * 1024, "bytes";
    /// How often files of keys and certificates are looked at; what has changed holds from then on.
    CREDENTIALS_RELOAD_MS: usize = 1_000, "milliseconds";
    /// Callers whose quotas are kept, beside those with keys (KEYS), before those that do nothing are forgotten.
    TOKEN_CALLERS: usize = 4_096, "callers";
    /// Failed attempts to be let in that one address has at once; one more comes back every second.
    FAILED_ATTEMPTS: usize = 20, "attempts";
    /// Addresses whose failed attempts are counted.
    FAILING_ADDRESSES: usize = 4_096, "addresses";
    /// The least that a quota may allow: what is slower is cut as stalled (UPLOAD_FLOOR).
    QUOTA_BYTES_MIN: usize = 4 * UPLOAD_FLOOR, "bytes a second";
    /// The length of an x-request-id that is taken over; a longer one is replaced.
    REQUEST_ID_BYTES: usize = 64, "bytes";
    /// The audit log's file, after which another is begun.
    AUDIT_BYTES: usize = 64 * 1024 * 1024, "bytes";
    /// Full files of the audit log that are kept.
    AUDIT_FILES: usize = 8, "files";
    /// Entries of the audit log that wait to be written; one more is lost and counted.
    AUDIT_QUEUE: usize = 16_384, "entries";
    /// How long the two sides of a new connection may take to agree on TLS.
    TLS_HANDSHAKE_MS: usize = 10_000, "milliseconds";
    /// How long a server goes on serving after it has said that it stops.
    DRAIN_GRACE_MS: usize = 25_000, "milliseconds";
}

/// Refuses a text that is longer than its limit.
///
/// # Errors
/// `FIELD_INVALID` naming the field, the length and the limit; the text itself is not repeated.
pub fn check_text(field: &str, text: &str, limit: usize) -> Result<()> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(Error::new(Reason::FieldInvalid, field, format!("{} bytes, the limit is {limit} bytes", text.len())))
}
