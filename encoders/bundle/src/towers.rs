//! The one list of families: which modalities a manifest may have towers for, and whose crate knows them.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use onespace_core::{Error, Modality, Prepare, Result};
use onespace_family::{Family, Site, check::invalid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    entry::FileEntry,
    tower::{Tower, TowerHead},
};

/// A row: documentation, the key of `[towers]`, the table's type. The order of rows is that of the canonical manifest.
macro_rules! families {
    ($($(#[doc = $doc:literal])+ $key:ident: $family:ty;)+) => {
        /// The towers of a bundle, one for each modality it knows.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Towers {
            $($(#[doc = $doc])+
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $key: Option<Tower<$family>>,)+
        }

        impl Towers {
            /// The towers that are there, in the order of the list.
            fn present(&self) -> impl Iterator<Item = &dyn AnyTower> {
                [$(self.$key.as_ref().map(|tower| tower as &dyn AnyTower)),+].into_iter().flatten()
            }

            /// One modality's tower alone.
            #[must_use]
            pub fn only(&self, modality: Modality) -> Self {
                Self { $($key: self.$key.clone().filter(|_| <$family>::MODALITY == modality)),+ }
            }
        }

        /// What the crates of all families lend each other.
        fn tools() -> Vec<Box<dyn Any>> {
            [$(<$family>::tools()),+].into_iter().flatten().collect()
        }
    };
}

families! {
    /// Text.
    text: onespace_text::table::Text;
    /// Images.
    image: onespace_image::table::Image;
    /// Audio.
    audio: onespace_audio::table::Audio;
    /// Videos.
    video: onespace_video::table::Video;
    /// Point clouds.
    point_cloud: onespace_pointcloud::table::PointCloud;
    /// Depth maps.
    depth: onespace_depth::table::Depth;
    /// Thermal images.
    thermal: onespace_thermal::table::Thermal;
    /// Inertial measurements.
    imu: onespace_imu::table::Imu;
}

/// A tower of whichever family.
trait AnyTower {
    fn head(&self) -> TowerHead<'_>;
    fn faults(&self, files: &BTreeMap<String, FileEntry>, dimension: usize) -> Vec<Error>;
    fn table(&self) -> &dyn Any;
    fn shares(&self) -> Option<(&'static str, Modality)>;
    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>>;
}

impl<P: Family> AnyTower for Tower<P> {
    fn head(&self) -> TowerHead<'_> {
        self.head()
    }

    fn faults(&self, files: &BTreeMap<String, FileEntry>, dimension: usize) -> Vec<Error> {
        self.faults(files, dimension)
    }

    fn table(&self) -> &dyn Any {
        &self.preprocess
    }

    fn shares(&self) -> Option<(&'static str, Modality)> {
        self.preprocess.shares()
    }

    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>> {
        self.preprocess.preparer(site)
    }
}

impl Towers {
    /// The towers that are there, in the order of the list.
    #[must_use]
    pub fn heads(&self) -> Vec<TowerHead<'_>> {
        self.present().map(AnyTower::head).collect()
    }

    /// One modality's tower.
    #[must_use]
    pub fn head(&self, modality: Modality) -> Option<TowerHead<'_>> {
        self.get(modality).map(AnyTower::head)
    }

    fn get(&self, modality: Modality) -> Option<&dyn AnyTower> {
        self.present().find(|tower| tower.head().modality == modality)
    }

    /// What prepares the media of one modality; `read` gives the bytes of a file of the bundle. None without a tower.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the tower and the key.
    pub(crate) fn preparer(
        &self,
        modality: Modality,
        read: &dyn Fn(&str) -> Result<Vec<u8>>,
    ) -> Option<Result<Arc<dyn Prepare>>> {
        let tower = self.get(modality)?;
        let tools = tools();
        let tables = self.present().map(AnyTower::table);
        let lent: Vec<&dyn Any> = tables.chain(tools.iter().map(AsRef::as_ref)).collect();
        let site = Site { inputs: tower.head().inputs.len(), read, lent: &lent };
        Some(tower.preparer(&site))
    }

    /// What is wrong with the towers, as far as can be told without their files.
    pub(crate) fn faults(&self, files: &BTreeMap<String, FileEntry>, dimension: usize) -> Vec<Error> {
        let faults = |tower: &dyn AnyTower| {
            let name = tower.head().modality;
            let own = tower.faults(files, dimension).into_iter().chain(self.check_shared(tower).err());
            own.map(|error| error.under(&format!("towers.{name}"))).collect::<Vec<_>>()
        };
        self.present().flat_map(faults).collect()
    }

    /// Where samples go through another modality's tower, both towers name the same graphs.
    fn check_shared(&self, tower: &dyn AnyTower) -> Result<()> {
        let Some((key, other)) = tower.shares() else { return Ok(()) };
        if self.head(other).is_some_and(|other| other.same_pipeline(&tower.head())) {
            return Ok(());
        }
        let message =
            format!("the bundle has no {other} tower of the same graphs, inputs, output, heads and alignment");
        Err(invalid(format!("preprocess.{key}"), message))
    }
}
