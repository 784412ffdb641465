//! The only file with unsafe code: opening bytes with FFmpeg, and what its safe wrapper does not reach.
#![expect(unsafe_code, reason = "FFmpeg is a C library; each use says why it is sound")]
#![deny(unsafe_op_in_unsafe_fn)]

use std::{
    ffi::{c_char, c_int},
    marker::PhantomData,
    mem, ptr,
    time::Duration,
};

use ffmpeg_next::{
    Dictionary, Discard, Error, Packet, Stream,
    codec::{self, decoder},
    ffi::{
        AV_PKT_FLAG_DISCARD, AVDictionary, AVDurationEstimationMethod, AVERROR, AVFMT_FLAG_CUSTOM_IO, AVFMT_TS_DISCONT,
        AVFormatContext, AVIOContext, EPERM, av_max_alloc, avformat_alloc_context, avformat_find_stream_info,
        avformat_open_input, sws_getCoefficients, sws_getColorspaceDetails, sws_setColorspaceDetails,
    },
    format::context::{Input, StreamIo},
    frame, packet,
    software::scaling,
    threading,
    util::interrupt,
};
use onespace_core::Patience;

/// FFmpeg's demuxer over bytes that somebody else owns.
pub struct Source<'a> {
    /// Reads the bytes when it opens, reads or seeks, and only then; so it stays in here.
    input: Input,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Source<'a> {
    /// Opens `bytes` with the demuxers that `options` allow, in force before the first byte is read, and
    /// finds out what its streams are, with `probing` as the options of the decoders this may take. Every read
    /// fails when `patience` is over, and no other file or connection can be opened on its behalf.
    ///
    /// # Errors
    /// What FFmpeg says, and `OptionNotFound` when it ignored one of the `options`.
    pub fn open(
        bytes: &'a [u8],
        options: &[(&str, &str)],
        probing: &[(&str, &str)],
        patience: &Patience,
    ) -> Result<Self, Error> {
        // SAFETY: only the AVIOContext of `input` reads the slice, and only while `input` opens, reads or seeks. That
        // takes `Self`, whose lifetime is that of the slice; what a stream's parameters may keep alive for longer
        // can only be freed.
        let endless = unsafe { mem::transmute::<&'a [u8], &'static [u8]>(bytes) };
        let mut io = StreamIo::from_read_seek(patience.reading(endless))?;
        let asked = patience.clone();
        let stop = interrupt::new(Box::new(move || asked.is_over()));

        // SAFETY: the context is fresh and FFmpeg's own; `io` and `stop` are moved into the wrapper that frees the
        // context, and on failure `avformat_open_input` has freed the context itself and left `io` to us.
        let input = unsafe {
            let mut context = avformat_alloc_context();
            if context.is_null() {
                return Err(Error::Other { errno: ffmpeg_next::error::ENOMEM });
            }
            (*context).pb = io.as_mut_ptr();
            (*context).flags |= AVFMT_FLAG_CUSTOM_IO;
            (*context).io_open = Some(refuse);
            (*context).interrupt_callback = stop.interrupt;
            let mut dictionary = options.iter().collect::<Dictionary>().disown();
            let opened = avformat_open_input(&raw mut context, ptr::null(), ptr::null(), &raw mut dictionary);
            let ignored = Dictionary::own(dictionary).iter().next().is_some();
            if opened < 0 {
                return Err(Error::from(opened));
            }
            let input = Input::wrap_with_custom_io_and_interrupt(context, io, stop.guard);
            if ignored {
                return Err(Error::OptionNotFound);
            }
            input
        };
        let mut source = Self { input, bytes: PhantomData };
        source.find_streams(probing)?;
        Ok(source)
    }

    fn find_streams(&mut self, probing: &[(&str, &str)]) -> Result<(), Error> {
        let count = self.input.nb_streams() as usize;
        // SAFETY: one dictionary for each stream there is, as the call expects; it may replace what they point to,
        // and they are freed after it by being owned again.
        let found = unsafe {
            let mut options: Vec<*mut AVDictionary> =
                (0..count).map(|_| probing.iter().collect::<Dictionary>().disown()).collect();
            let found = avformat_find_stream_info(self.input.as_mut_ptr(), options.as_mut_ptr());
            options.into_iter().for_each(|dictionary| drop(Dictionary::own(dictionary)));
            found
        };
        if found < 0 { Err(Error::from(found)) } else { Ok(()) }
    }

    /// Its streams.
    pub fn streams(&self) -> impl Iterator<Item = Stream<'_>> {
        self.input.streams()
    }

    /// The duration of the whole in microseconds, if the container states it; one that FFmpeg guessed from the
    /// bit rate does not count.
    pub fn duration(&self) -> Option<i64> {
        // SAFETY: reads a field of the open context. It is compared as a number, so that no value FFmpeg might
        // add in a later release can be an invalid enum here.
        let method = unsafe { (&raw const (*self.input.as_ptr()).duration_estimation_method).cast::<c_int>().read() };
        let stated = method != AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE as c_int;
        Some(self.input.duration()).filter(|duration| stated && *duration > 0)
    }

    /// Lets only the packets of stream `wanted` through from here on.
    pub fn select(&mut self, wanted: usize) {
        let count = self.input.nb_streams() as usize;
        for index in 0..count {
            let discard = if index == wanted { Discard::Default } else { Discard::All };
            // SAFETY: `index` is below the number of streams, so the pointer is that of a living stream.
            unsafe { (**(*self.input.as_mut_ptr()).streams.add(index)).discard = discard.into() };
        }
    }

    /// The next packet, `None` after the last.
    ///
    /// # Errors
    /// What FFmpeg says; `InvalidData` may be followed by good packets.
    pub fn read(&mut self) -> Result<Option<Packet>, Error> {
        let mut packet = Packet::empty();
        match packet.read(&mut self.input) {
            Ok(()) => Ok(Some(packet)),
            Err(Error::Eof) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether time stamps may jump in containers of this kind: they are made of pieces of other ones.
    pub fn may_jump(&self) -> bool {
        // SAFETY: an open context has a format, which is static data of libavformat.
        unsafe { (*(*self.input.as_ptr()).iformat).flags & AVFMT_TS_DISCONT != 0 }
    }

    /// A decoder for stream `index`, not opened yet, with one thread and the stream's own time base.
    ///
    /// # Errors
    /// `StreamNotFound`, or what FFmpeg says.
    pub fn decoder(&self, index: usize) -> Result<decoder::Decoder, Error> {
        let stream = self.input.stream(index).ok_or(Error::StreamNotFound)?;
        let mut decoder = codec::Context::from_parameters(stream.parameters())?.decoder();
        decoder.set_packet_time_base(stream.time_base());
        decoder.set_threading(threading::Config::count(1));
        Ok(decoder)
    }
}

/// Forbids FFmpeg, in the whole process, single allocations of more than `bytes`.
pub fn bound_allocations(bytes: usize) {
    // SAFETY: stores a number, atomically.
    unsafe { av_max_alloc(bytes) };
}

/// Width and height of a stream's frames as its container or its first frames say, 0 where they do not.
pub fn declared_size(stream: &Stream<'_>) -> (i64, i64) {
    let parameters = stream.parameters();
    // SAFETY: reads two numbers of parameters that live as long as `parameters`.
    unsafe { (i64::from((*parameters.as_ptr()).width), i64::from((*parameters.as_ptr()).height)) }
}

/// How wide a pixel of a stream is by its height, as its container or its codec says; none where neither does.
pub fn pixel_aspect(stream: &Stream<'_>) -> Option<(u32, u32)> {
    let parameters = stream.parameters();
    // SAFETY: reads numbers of a living stream, and of parameters that live as long as `parameters`.
    let said = unsafe { [(*stream.as_ptr()).sample_aspect_ratio, (*parameters.as_ptr()).sample_aspect_ratio] };
    said.into_iter().find_map(|ratio| positive(ratio.num, ratio.den))
}

/// A ratio of positive numbers.
pub fn positive(numerator: i32, denominator: i32) -> Option<(u32, u32)> {
    let ratio = (u32::try_from(numerator).ok()?, u32::try_from(denominator).ok()?);
    (ratio.0 > 0 && ratio.1 > 0).then_some(ratio)
}

/// Whether a packet is decoded for others' sake only: an edit list cuts off what it shows.
pub fn is_cut_off(packet: &Packet) -> bool {
    // SAFETY: reads a number of a living packet.
    unsafe { (*packet::Ref::as_ptr(packet)).flags & AV_PKT_FLAG_DISCARD != 0 }
}

/// The processor time that the calling thread has had.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the two numbers of `time`. Every Linux has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The four letters that a container calls the codec of stream `index` by, where it does.
pub fn codec_tag(source: &Source<'_>, index: usize) -> Option<String> {
    let parameters = source.input.stream(index)?.parameters();
    // SAFETY: reads a number of parameters that live as long as `parameters`.
    let tag = unsafe { (*parameters.as_ptr()).codec_tag };
    (tag != 0).then(|| tag.to_le_bytes().escape_ascii().to_string())
}

/// Tells the converter which matrix and range the frame's colours are in; what a frame does not say stays
/// FFmpeg's default (BT.601, limited range unless the pixel format says full).
pub fn set_colours(converter: &mut scaling::Context, frame: &frame::Video) {
    const FULL_RANGE: c_int = 2;
    // SAFETY: the context is initialised, the out-pointers are ours, the tables are static data of libswscale.
    // Enum fields are read as numbers, since their values come from the file.
    unsafe {
        let space = (&raw const (*frame.as_ptr()).colorspace).cast::<c_int>().read();
        let range = (&raw const (*frame.as_ptr()).color_range).cast::<c_int>().read();
        let (mut from, mut to) = (ptr::null_mut(), ptr::null_mut());
        let (mut full_from, mut full_to, mut brightness, mut contrast, mut saturation) = (0, 0, 0, 0, 0);
        let known = sws_getColorspaceDetails(
            converter.as_mut_ptr(),
            &raw mut from,
            &raw mut full_from,
            &raw mut to,
            &raw mut full_to,
            &raw mut brightness,
            &raw mut contrast,
            &raw mut saturation,
        );
        if known < 0 {
            return;
        }
        let full = c_int::from(full_from != 0 || range == FULL_RANGE);
        let matrix = sws_getCoefficients(space);
        sws_setColorspaceDetails(converter.as_mut_ptr(), matrix, full, to, full_to, brightness, contrast, saturation);
    }
}

/// Stands where FFmpeg would open another file or connection that a video refers to.
unsafe extern "C" fn refuse(
    _: *mut AVFormatContext,
    _: *mut *mut AVIOContext,
    _: *const c_char,
    _: c_int,
    _: *mut *mut AVDictionary,
) -> c_int {
    AVERROR(EPERM)
}
