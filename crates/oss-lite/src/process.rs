//! Texts for the parameter `x-oss-process`, by which OSS hands out an object in another form.
//!
//! They go into [`PresignOptions::process`](crate::PresignOptions::process).
//!
//! ```
//! use oss_lite::process::ImageResize;
//!
//! let thumbnail = ImageResize::within(320, 240)?;
//! assert_eq!(thumbnail.to_string(), "image/resize,m_lfit,w_320,h_240");
//! # Ok::<(), oss_lite::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

const LONGEST_SIDE: u32 = 16_384;

/// Scales an image down; a smaller one is left unchanged.
///
/// OSS takes JPG, PNG, BMP, GIF, WebP, TIFF and HEIC of up to 20 MB.
/// [Resize](https://www.alibabacloud.com/help/en/oss/user-guide/resize-images-4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageResize {
    sides: Sides,
}

/// One frame of a video, as an image.
///
/// OSS takes videos in H.264 and H.265.
/// [Snapshot](https://www.alibabacloud.com/help/en/oss/user-guide/video-snapshots).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VideoSnapshot {
    at_ms: u64,
    format: SnapshotFormat,
    sides: Option<Sides>,
}

/// The form of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SnapshotFormat {
    /// JPEG.
    #[default]
    Jpg,
    /// PNG.
    Png,
}

/// In pixels, 1 to 16384; at least one is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sides {
    width: Option<u32>,
    height: Option<u32>,
}

impl ImageResize {
    /// As large as fits into a rectangle of pixels, 1 to 16384 each, in its own proportions.
    pub fn within(width: u32, height: u32) -> Result<Self, Error> {
        Ok(Self { sides: Sides::new(Some(width), Some(height))? })
    }

    /// Of this width in pixels, 1 to 16384, in its own proportions.
    pub fn width(width: u32) -> Result<Self, Error> {
        Ok(Self { sides: Sides::new(Some(width), None)? })
    }

    /// Of this height in pixels, 1 to 16384, in its own proportions.
    pub fn height(height: u32) -> Result<Self, Error> {
        Ok(Self { sides: Sides::new(None, Some(height))? })
    }
}

impl VideoSnapshot {
    /// The key frame at or before a time, in milliseconds from the beginning. A time beyond the
    /// end means the last frame.
    pub fn at(time: Duration) -> Result<Self, Error> {
        let at_ms = u64::try_from(time.as_millis()).ok().filter(|ms| i64::try_from(*ms).is_ok());
        let at_ms = at_ms.ok_or_else(|| bad("the time of the snapshot is beyond all videos".to_owned()))?;
        Ok(Self { at_ms, format: SnapshotFormat::default(), sides: None })
    }

    /// Default: JPEG.
    #[must_use]
    pub fn format(mut self, format: SnapshotFormat) -> Self {
        self.format = format;
        self
    }

    /// Width and height in pixels, 1 to 16384. `None` follows from the other by the video's proportions.
    /// Default: as large as the video.
    pub fn size(mut self, width: Option<u32>, height: Option<u32>) -> Result<Self, Error> {
        self.sides = Some(Sides::new(width, height)?);
        Ok(self)
    }
}

impl Sides {
    fn new(width: Option<u32>, height: Option<u32>) -> Result<Self, Error> {
        if width.is_none() && height.is_none() {
            return Err(bad("neither width nor height is given".to_owned()));
        }
        for side in width.into_iter().chain(height) {
            if !(1..=LONGEST_SIDE).contains(&side) {
                return Err(bad(format!("width and height are 1 to {LONGEST_SIDE} pixels, not {side}")));
            }
        }
        Ok(Self { width, height })
    }
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl fmt::Display for ImageResize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("image/resize,m_lfit")?;
        self.sides.fmt(f)
    }
}

impl fmt::Display for VideoSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            SnapshotFormat::Jpg => "jpg",
            SnapshotFormat::Png => "png",
        };
        write!(f, "video/snapshot,t_{},f_{format}", self.at_ms)?;
        if let Some(sides) = &self.sides {
            sides.fmt(f)?;
        }
        f.write_str(",m_fast")
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(width) = self.width {
            write!(f, ",w_{width}")?;
        }
        if let Some(height) = self.height {
            write!(f, ",h_{height}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_documentation() {
        let resize = |resize: Result<ImageResize, Error>| resize.expect("within limits").to_string();
        assert_eq!(resize(ImageResize::within(1, 16_384)), "image/resize,m_lfit,w_1,h_16384");
        assert_eq!(resize(ImageResize::width(100)), "image/resize,m_lfit,w_100");
        assert_eq!(resize(ImageResize::height(100)), "image/resize,m_lfit,h_100");
        let frame = VideoSnapshot::at(Duration::from_micros(7_000_999)).expect("a time");
        assert_eq!(frame.to_string(), "video/snapshot,t_7000,f_jpg,m_fast");
        let frame = frame.format(SnapshotFormat::Png).size(Some(800), None).expect("a size");
        assert_eq!(frame.to_string(), "video/snapshot,t_7000,f_png,w_800,m_fast");
        let frame = frame.size(Some(800), Some(600)).expect("a size");
        assert_eq!(frame.to_string(), "video/snapshot,t_7000,f_png,w_800,h_600,m_fast");
    }

    #[test]
    fn sides_and_times_out_of_limits_are_refused() {
        let frame = || VideoSnapshot::at(Duration::ZERO).expect("the beginning");
        for side in [0, 16_385, u32::MAX] {
            for error in [
                ImageResize::within(side, 1).expect_err("width"),
                ImageResize::within(1, side).expect_err("height"),
                ImageResize::width(side).expect_err("width"),
                ImageResize::height(side).expect_err("height"),
                frame().size(Some(side), None).expect_err("width"),
                frame().size(None, Some(side)).expect_err("height"),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument);
                assert!(error.to_string().contains(&side.to_string()), "{error}");
            }
        }
        assert!(frame().size(None, None).is_err());
        assert!(VideoSnapshot::at(Duration::MAX).is_err());
    }
}
