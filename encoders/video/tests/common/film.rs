//! Films made in the test: the same scene in any container and any codec that FFmpeg writes.

use ffmpeg_next::{
    ChannelLayout, Dictionary, Packet, Rational,
    codec::{self, encoder},
    format::{self, Pixel},
    frame,
    software::scaling,
};

/// What a film is made as.
#[derive(Clone)]
pub struct Film<'r> {
    /// FFmpeg's muxer.
    pub container: &'r str,
    /// FFmpeg's encoder.
    pub codec: &'r str,
    pub pixels: Pixel,
    pub size: (u32, u32),
    pub rate: i32,
    pub frames: usize,
    /// Frames from key frame to key frame.
    pub group: u32,
    /// Frames between two that others build on.
    pub between: usize,
    /// The first time stamp, seconds.
    pub begins: f64,
    /// How wide a pixel is by its height.
    pub aspect: (i32, i32),
    /// How much later than the pictures a tone begins that lasts as long, seconds.
    pub tone: Option<f64>,
    pub codec_options: &'r [(&'r str, &'r str)],
    pub container_options: &'r [(&'r str, &'r str)],
}

/// 2.8 seconds of H.264 in MP4, as phones write it.
pub const MP4: Film<'static> = Film {
    container: "mp4",
    codec: "libx264",
    pixels: Pixel::YUV420P,
    size: (96, 64),
    rate: 25,
    frames: 70,
    group: 24,
    between: 2,
    begins: 0.0,
    aspect: (1, 1),
    tone: None,
    codec_options: &[("crf", "12"), ("preset", "veryfast"), ("threads", "1")],
    container_options: &[],
};

impl Film<'_> {
    /// The file.
    pub fn make(&self) -> Vec<u8> {
        self.make_of(scene)
    }

    /// The file of another scene: RGB of a frame by its number and the film's size.
    pub fn make_of(&self, scene: impl Fn(usize, (u32, u32)) -> Vec<u8>) -> Vec<u8> {
        ffmpeg_next::init().unwrap();
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film");
        let mut output = format::output_as(&path, self.container).unwrap();
        let mut encoder = self.encoder(output.format().flags());
        let ticks = Rational::new(1, self.rate);
        let mut stream = output.add_stream(encoder::find_by_name(self.codec)).unwrap();
        stream.set_parameters(&encoder);
        stream.set_time_base(ticks);
        stream.set_avg_frame_rate(Rational::new(self.rate, 1));
        let mut tone = self.tone.map(|later| Tone::add_to(&mut output, self.begins + later));
        output.write_header_with(self.container_options.iter().collect()).unwrap();
        let base = output.stream(0).unwrap().time_base();
        let (width, height) = self.size;
        let mut convert =
            scaling::Context::get(Pixel::RGB24, width, height, self.pixels, width, height, scaling::Flags::BICUBIC)
                .unwrap();
        let shift = (self.begins * f64::from(self.rate)).round() as i64;
        let mut write = |encoder: &mut encoder::Video| {
            let mut packet = Packet::empty();
            while encoder.receive_packet(&mut packet).is_ok() {
                packet.set_stream(0);
                packet.set_duration(1);
                packet.set_pts(packet.pts().map(|time| time + shift));
                packet.set_dts(packet.dts().map(|time| time + shift));
                packet.rescale_ts(ticks, base);
                packet.write_interleaved(&mut output).unwrap();
            }
        };
        for number in 0..self.frames {
            let mut picture = frame::Video::empty();
            convert.run(&rgb_frame(&scene(number, self.size), self.size), &mut picture).unwrap();
            picture.set_pts(Some(number as i64));
            encoder.send_frame(&picture).unwrap();
            write(&mut encoder);
        }
        encoder.send_eof().unwrap();
        write(&mut encoder);
        if let Some(tone) = &mut tone {
            tone.write(&mut output, self.frames as f64 / f64::from(self.rate));
        }
        output.write_trailer().unwrap();
        drop(output);
        std::fs::read(&path).unwrap()
    }

    fn encoder(&self, flags: format::Flags) -> encoder::Video {
        let Some(codec) = encoder::find_by_name(self.codec) else { panic!("FFmpeg has no encoder {}", self.codec) };
        let mut context = codec::Context::new_with_codec(codec).encoder().video().unwrap();
        context.set_width(self.size.0);
        context.set_height(self.size.1);
        context.set_format(self.pixels);
        context.set_time_base(Rational::new(1, self.rate));
        context.set_frame_rate(Some(Rational::new(self.rate, 1)));
        context.set_gop(self.group);
        context.set_max_b_frames(self.between);
        context.set_bit_rate(4_000_000);
        context.set_aspect_ratio(Rational::new(self.aspect.0, self.aspect.1));
        if flags.contains(format::Flags::GLOBAL_HEADER) {
            context.set_flags(codec::Flags::GLOBAL_HEADER);
        }
        let options: Dictionary = self.codec_options.iter().collect();
        context
            .open_as_with(codec, options)
            .unwrap_or_else(|error| panic!("{} as {:?}: {error}", self.codec, self.pixels))
    }
}

/// A tone of 400 hertz, uncoded.
struct Tone {
    encoder: encoder::Audio,
    begins: f64,
}

impl Tone {
    const RATE: i32 = 16_000;
    const PACKET: usize = 1_600;

    fn add_to(output: &mut format::context::Output, begins: f64) -> Self {
        let codec = encoder::find_by_name("pcm_s16le").unwrap();
        let mut context = codec::Context::new_with_codec(codec).encoder().audio().unwrap();
        context.set_rate(Self::RATE);
        context.set_format(format::Sample::I16(format::sample::Type::Packed));
        context.set_channel_layout(ChannelLayout::MONO);
        context.set_time_base(Rational::new(1, Self::RATE));
        let encoder = context.open_as_with(codec, Dictionary::new()).unwrap();
        output.add_stream(codec).unwrap().set_parameters(&encoder);
        Self { encoder, begins }
    }

    fn write(&mut self, output: &mut format::context::Output, seconds: f64) {
        let base = output.stream(1).unwrap().time_base();
        let packets = (seconds * f64::from(Self::RATE)) as usize / Self::PACKET;
        for number in 0..packets {
            let layout = format::Sample::I16(format::sample::Type::Packed);
            let mut frame = frame::Audio::new(layout, Self::PACKET, ChannelLayout::MONO);
            frame.set_rate(Self::RATE as u32);
            let begins = number * Self::PACKET;
            for (at, sample) in frame.plane_mut::<i16>(0).iter_mut().enumerate() {
                *sample = (f64::sin((begins + at) as f64 * std::f64::consts::TAU / 40.0) * 8_000.0) as i16;
            }
            frame.set_pts(Some(begins as i64 + (self.begins * f64::from(Self::RATE)) as i64));
            self.encoder.send_frame(&frame).unwrap();
            let mut packet = Packet::empty();
            self.encoder.receive_packet(&mut packet).unwrap();
            packet.set_stream(1);
            packet.rescale_ts(Rational::new(1, Self::RATE), base);
            packet.write_interleaved(output).unwrap();
        }
    }
}

/// Four fields whose colours move with the frame's number.
pub fn scene(number: usize, (width, height): (u32, u32)) -> Vec<u8> {
    let pixel = |(x, y): (u32, u32)| {
        let field = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
        let wave = |step: usize| (number * step + field * 60) % 440;
        [8, 5].map(wave).map(|level| (if level < 220 { level } else { 440 - level }) as u8 + 16)
    };
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places.map(pixel).flat_map(|[red, green]| [red, green, 128]).collect()
}

fn rgb_frame(pixels: &[u8], (width, height): (u32, u32)) -> frame::Video {
    let mut frame = frame::Video::new(Pixel::RGB24, width, height);
    let (row, stride) = (width as usize * 3, frame.stride(0));
    for (line, pixels) in frame.data_mut(0).chunks_mut(stride).zip(pixels.chunks_exact(row)) {
        line[..row].copy_from_slice(pixels);
    }
    frame
}
