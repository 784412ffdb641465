//! What a transcriber hears, on the wire and in core.

use onespace_core::{Remark, RemarkKind, Result, Span, TranscribeReply, Transcript, TranscriptSegment};

use crate::{
    convert::{span_out, timings_in, timings_out},
    encoder::v1::{self as wire, TranscribeResponse},
    fields::required,
    v1,
};

/// What was heard.
#[must_use]
pub fn reply_out(reply: TranscribeReply) -> TranscribeResponse {
    let TranscribeReply { transcript, fingerprint, timings } = reply;
    let segment = |one: TranscriptSegment| wire::TranscriptSegment { span: Some(span_out(one.span)), text: one.text };
    let remark = |one: Remark| wire::Remark { kind: one.kind.name().to_owned(), span: Some(span_out(one.span)) };
    TranscribeResponse {
        text: transcript.text,
        language: transcript.language,
        language_probability: transcript.language_probability,
        segments: transcript.segments.into_iter().map(segment).collect(),
        remarks: transcript.remarks.into_iter().map(remark).collect(),
        timings: Some(timings_out(&timings)),
        fingerprint: fingerprint.to_string(),
    }
}

/// What was heard, as a transcriber says it. A remark of a kind that this version does not know is left out.
///
/// # Errors
/// `FIELD_REQUIRED` where a stretch says not when it is.
pub fn reply_in(reply: TranscribeResponse) -> Result<TranscribeReply> {
    let segment = |one: wire::TranscriptSegment| Ok(TranscriptSegment { span: span_in(one.span)?, text: one.text });
    let known = |name: &str| RemarkKind::ALL.into_iter().find(|kind| kind.name() == name);
    let remark = |one: wire::Remark| {
        let kind = known(&one.kind)?;
        Some(span_in(one.span).map(|span| Remark { kind, span }))
    };
    Ok(TranscribeReply {
        transcript: Transcript {
            text: reply.text,
            language: reply.language,
            language_probability: reply.language_probability,
            segments: reply.segments.into_iter().map(segment).collect::<Result<_>>()?,
            remarks: reply.remarks.into_iter().filter_map(remark).collect::<Result<_>>()?,
        },
        fingerprint: reply.fingerprint.parse()?,
        timings: reply.timings.as_ref().map(timings_in).unwrap_or_default(),
    })
}

fn span_in(span: Option<v1::Span>) -> Result<Span> {
    let v1::Span { start_ms, end_ms } = span.ok_or_else(|| required("span"))?;
    Ok(Span { start_ms, end_ms })
}

#[cfg(test)]
mod tests {
    use onespace_core::{Fingerprint, Timings};

    use super::*;

    #[test]
    fn what_was_heard_survives_the_wire() {
        let span = Span { start_ms: 20, end_ms: 1_500 };
        let transcript = Transcript {
            text: "a red kettle".into(),
            language: "en".into(),
            language_probability: 0.75,
            segments: vec![TranscriptSegment { span, text: "a red kettle".into() }],
            remarks: RemarkKind::ALL.map(|kind| Remark { kind, span }).to_vec(),
        };
        let (fingerprint, timings) = (Fingerprint::of(b"ear"), Timings { inference_us: 7, ..Timings::default() });
        let reply = TranscribeReply { transcript, fingerprint, timings };
        assert_eq!(reply_in(reply_out(reply.clone())).unwrap(), reply);

        let mut unknown = reply_out(reply.clone());
        unknown.remarks[0].kind = "WHISPERED".into();
        assert_eq!(reply_in(unknown).unwrap().transcript.remarks.len(), RemarkKind::ALL.len() - 1);
        let mut timeless = reply_out(reply);
        timeless.segments[0].span = None;
        assert_eq!(reply_in(timeless).unwrap_err().field, "span");
    }
}
